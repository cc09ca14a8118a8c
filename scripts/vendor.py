"""Copy the few served front-end files from node_modules/ to app/static/vendor/, licences included."""

import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ROOT / "node_modules"
VENDOR = ROOT / "app" / "static" / "vendor"

# From a package's file or pattern to a folder below VENDOR.
SERVED = (
    ("@digdir/designsystemet-css/dist/theme/designsystemet.css", "designsystemet/theme.css"),
    ("@digdir/designsystemet-css/dist/src/index.css", "designsystemet/designsystemet.css"),
    ("@digdir/designsystemet-css/LICENSE", "designsystemet/LICENSE"),
    ("lean-qr/index.mjs", "lean-qr/index.mjs"),
    ("lean-qr/LICENSE", "lean-qr/LICENSE"),
    ("@fontsource-variable/inter/wght.css", "inter/wght.css"),
    ("@fontsource-variable/inter/LICENSE", "inter/LICENSE"),
    ("barcode-detector/dist/es/ponyfill.js", "barcode-detector/ponyfill.js"),
    ("barcode-detector/dist/es/zxing-exported.js", "barcode-detector/zxing-exported.js"),
    ("barcode-detector/LICENSE", "barcode-detector/LICENSE"),
    ("zxing-wasm/dist/reader/zxing_reader.wasm", "barcode-detector/zxing_reader.wasm"),
    ("zxing-wasm/LICENSE", "barcode-detector/zxing-wasm.LICENSE"),
)
# All scripts, because names are not all Latin; a browser fetches only the subsets that a page's letters need.
FONT_FILES = ("@fontsource-variable/inter/files", "*-wght-normal.woff2", "inter/files")


def copy_served_files() -> None:
    """Replace VENDOR. Raises FileNotFoundError when a package does not hold what is expected of it."""
    shutil.rmtree(VENDOR, ignore_errors=True)
    folder, pattern, target = FONT_FILES
    fonts = sorted((PACKAGES / folder).glob(pattern))
    if not fonts:
        raise FileNotFoundError(f"{folder}/{pattern}")
    for source, destination in [
        *((PACKAGES / source, VENDOR / name) for source, name in SERVED),
        *((font, VENDOR / target / font.name) for font in fonts),
    ]:
        destination.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, destination)


if __name__ == "__main__":
    copy_served_files()
