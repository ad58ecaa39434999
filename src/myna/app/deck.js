// Fills the deck with the clips of the page and hands it to the player of the reports. Texts are set as text.
const SVG = "http://www.w3.org/2000/svg";

const made = (tag, set = {}, text = "") => {
  const node = document.createElement(tag);
  Object.entries(set).forEach(([name, value]) => node.setAttribute(name, value));
  node.textContent = text;
  return node;
};

function lane(clip) {
  const wave = document.createElementNS(SVG, "svg");
  Object.entries({ class: "wave", viewBox: "0 0 300 48", preserveAspectRatio: "none", "aria-hidden": "true" })
    .forEach(([name, value]) => wave.setAttribute(name, value));
  wave.append(document.createElementNS(SVG, "path"));
  wave.firstChild.setAttribute("d", clip.wave);
  const row = made("div", { class: `lane ${clip.key.toLowerCase()}`, "data-wave": clip.key });
  const words = made("p", { class: "words" });
  words.append(made("b", {}, clip.key), made("span", { class: "name" }, clip.name), made("span", { class: "gain" }, clip.gain));
  row.append(wave, words);
  return row;
}

function fill(root, clips) {
  const find = (name) => root.querySelector(name);
  find(".waves").querySelectorAll(".lane, .blind").forEach((old) => old.remove());
  const lanes = clips.filter((clip) => clip.wave).map(lane);
  find(".waves").prepend(...(lanes.length ? lanes : [made("div", { class: "blind" })]));
  find(".switch").replaceChildren(...clips.map((clip) => made("button", { type: "button", "data-key": clip.key }, clip.key)));
  find(".clips").replaceChildren(...clips.map((clip) => made("audio", { "data-clip": clip.key, preload: "none", src: clip.uri })));
  find(".keys").replaceChildren(made("kbd", {}, "space"), " play ", ...clips.map((clip) => made("kbd", {}, clip.key)), " switch");
}

// The deck is made anew, as the player listens to what it finds; the same clips go on playing.
const running = new WeakMap();

export default ({ parentElement, data }) => {
  const before = running.get(parentElement);
  if (before?.mark !== data.mark) {
    before?.end();
    const old = parentElement.querySelector(".deck");
    old.replaceWith(old.cloneNode(true));
    parentElement.querySelector(".deck").classList.remove("playing");
    fill(parentElement, data.clips);
    running.set(parentElement, { mark: data.mark, end: player(parentElement) });
  }
  return () => {
    running.get(parentElement)?.end();
    running.delete(parentElement);
  };
};
