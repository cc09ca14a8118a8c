// The card's code as pictures: QR (ISO/IEC 18004) and Code 128-C (ISO/IEC 15417), black on white with a quiet zone.

import { correction, generate, mode } from "../../vendor/lean-qr/index.mjs";

const SVG = "http://www.w3.org/2000/svg";
const QUIET = 4;
const BAR_QUIET = 10;
const BAR_HEIGHT = 40;
const [START_C, MODULUS] = [105, 103];
const STOP = "2331112";
// The widths of bars and gaps of each symbol, six digits for one.
const WIDTHS =
  "212222222122222221121223121322131222122213122312132212221213221312231212112232122132122231113222123122123221" +
  "223211221132221231213212223112312131311222321122321221312212322112322211212123212321232121111323131123131321" +
  "112313132113132311211313231113231311112133112331132131113123113321133121313121211331231131213113213311213131" +
  "311123311321331121312113312311332111314111221411431111111224111422121124121421141122141221112214112412122114" +
  "122411142112142211241211221114413111241112134111111242121142121241114212124112124211411212421112421211212141" +
  "214121412121111143111341131141114113114311411113411311113141114131311141411131211412211214211232";

export function drawQr(place, digits) {
  const code = generate(mode.numeric(digits), {
    minVersion: 1,
    maxVersion: 1,
    minCorrectionLevel: correction.Q,
    maxCorrectionLevel: correction.Q,
  });
  let path = "";
  for (let y = 0; y < code.size; y++) {
    for (let x = 0; x < code.size; x++) {
      if (code.get(x, y)) path += `M${x + QUIET} ${y + QUIET}h1v1h-1z`;
    }
  }
  const size = code.size + 2 * QUIET;
  draw(place, { path, width: size, height: size });
}

export function drawBarcode(place, digits) {
  const symbols = [START_C, ...digits.match(/../g).map(Number)];
  const check = symbols.reduce((sum, symbol, index) => sum + symbol * Math.max(1, index), 0) % MODULUS;
  const widths = [...symbols, check].map((symbol) => WIDTHS.slice(symbol * 6, symbol * 6 + 6)).join("") + STOP;
  let x = BAR_QUIET;
  let path = "";
  for (const [index, width] of [...widths].map(Number).entries()) {
    if (index % 2 === 0) path += `M${x} 0h${width}v${BAR_HEIGHT}h-${width}z`;
    x += width;
  }
  draw(place, { path, width: x + BAR_QUIET, height: BAR_HEIGHT });
}

function draw(place, { path, width, height }) {
  const picture = make("svg", { viewBox: `0 0 ${width} ${height}`, "shape-rendering": "crispEdges", "aria-hidden": "true" });
  picture.append(make("path", { fill: "#fff", d: `M0 0h${width}v${height}H0z` }), make("path", { d: path }));
  place.replaceChildren(picture);
}

function make(name, attributes) {
  const element = document.createElementNS(SVG, name);
  for (const [attribute, value] of Object.entries(attributes)) element.setAttribute(attribute, value);
  return element;
}
