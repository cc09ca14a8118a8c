"""Copy the few served front-end files from node_modules/ to app/static/vendor/, licences included."""

import re
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
# Designsystemet's components, by the first class in their part of the sheet, in files of their own: the first paint
# waits for all that a page links. What no page has is left out. tests/doors/inspection.py says when a page misses one.
SHEETS = {
    # The part for uploads ends with what every alert begins with.
    "designsystemet/designsystemet.css": frozenset(
        ("alert", "button", "card", "details", "file-upload", "heading", "link", "list", "skip-link", "sr-only", "tag")
    ),
    "designsystemet/forms.css": frozenset(("field", "fieldset", "input")),
    "designsystemet/tables.css": frozenset(("dialog", "table")),
}
UNUSED = frozenset(
    (
        "avatar",
        "avatar-stack",
        "badge",
        "breadcrumbs",
        "chip",
        "divider",
        "dropdown",
        "error-summary",
        "pagination",
        "popover",
        "search",
        "skeleton",
        "spinner",
        "tabs",
        "textfield",
        "toggle-group",
        "tooltip",
    )
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
    sheet = (VENDOR / "designsystemet/designsystemet.css").read_text(encoding="utf-8")
    for name, parts in split_components(sheet).items():
        (VENDOR / name).write_text(parts, encoding="utf-8")


def split_components(sheet: str) -> dict[str, str]:
    """Return the content of each of SHEETS, from Designsystemet's sheet.

    Raises ValueError where a part is missing, or is in none of them and not in UNUSED.
    """
    parts = [(component_of(part), part) for part in re.split(r"(?=@layer ds\.components\{)", sheet)]
    if odd := {name for name, _part in parts} ^ UNUSED.union(*SHEETS.values()):
        raise ValueError(f"Designsystemet has no part, or a new one, for {sorted(odd)}")
    return {path: "".join(part for name, part in parts if name in names) for path, names in SHEETS.items()}


def component_of(part: str) -> str:
    """Return the component that a part of the sheet is for: its first class, without the prefix."""
    # The part for uploads begins with a field that holds one.
    found = re.search(r"\.ds-(file-upload)", part[:200]) or re.search(r"\.ds-([a-z-]+)", part)
    return found[1] if found else ""


if __name__ == "__main__":
    copy_served_files()
