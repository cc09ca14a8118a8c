// A line of the running list, as an element of the page: as the server has answered, or as the page itself knows it.

const template = (state) => document.getElementById(`line-${state}`);

export function draw(line) {
  const holder = document.createElement("template");
  if (line.html) holder.innerHTML = line.html;
  else holder.content.append(template(line.unsent ? "unsent" : line.state).content.cloneNode(true));
  const item = holder.content.querySelector("li");
  item.dataset.key = line.key;
  const code = item.querySelector(".line-code");
  if (code && !line.html) code.textContent = line.isCard ? `… ${line.payload.slice(-4)}` : line.payload;
  return item;
}
