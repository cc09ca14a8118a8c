"""What a library tells the public: who and where it is, and when it is open."""
