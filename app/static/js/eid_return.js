// Sends the answer of the sign-in service in, so that nobody needs to press the button.
const form = document.getElementById("answer");
if (form) form.submit();
