// Plays all clips of a deck at once, sample-aligned, and lets one through: switching never restarts the sound.
// A page may have many decks: each takes the clips of the [data-sounds] around it, or all; one is decoded at a time.
// `root` is the page, or a part of it; what is returned ends its players.
const player = (root) => {
  "use strict";
  if (!window.AudioContext) return () => {};
  let context, active;
  const bytes = (uri) => Uint8Array.from(atob(uri.slice(uri.indexOf(",") + 1)), (c) => c.charCodeAt(0)).buffer;

  function wire(deck) {
    const clips = [...(deck.closest("[data-sounds]") ?? root).querySelectorAll("[data-clip]")];
    if (!clips.length) return undefined;
    deck.hidden = false;
    const buttons = [...deck.querySelectorAll("[data-key]")];
    const waves = deck.querySelector(".waves");
    const head = deck.querySelector(".head line");
    const loop = deck.querySelector(".loop input");
    const play = deck.querySelector(".play");
    let tracks, length = 0, key = "A", voices = [], began = 0, offset = 0, run = 0;

    async function load() {
      context ??= new AudioContext();
      const decoded = await Promise.all(clips.map((clip) => context.decodeAudioData(bytes(clip.dataset.src ?? clip.src))));
      const frames = Math.max(...decoded.map((buffer) => buffer.length));
      length = frames / context.sampleRate;
      return decoded.map((buffer, i) => {
        const padded = context.createBuffer(buffer.numberOfChannels, frames, context.sampleRate);
        for (let c = 0; c < buffer.numberOfChannels; c++) padded.copyToChannel(buffer.getChannelData(c), c);
        const gain = context.createGain();
        gain.connect(context.destination);
        return { key: clips[i].dataset.clip, buffer: padded, gain };
      });
    }

    function choose(next) {
      if (!buttons.some((button) => button.dataset.key === next)) return;
      key = next;
      buttons.forEach((button) => button.setAttribute("aria-pressed", String(button.dataset.key === key)));
      deck.querySelectorAll("[data-wave]").forEach((wave) => wave.classList.toggle("lit", wave.dataset.wave === key));
      if (tracks?.length) tracks.forEach((t) => t.gain.gain.setTargetAtTime(t.key === key ? 1 : 0, context.currentTime, 0.004));
    }

    function halt() {
      run++;
      voices.forEach((voice) => { voice.onended = null; voice.stop(); });
      voices = [];
      deck.classList.remove("playing");
      play.setAttribute("aria-label", "Play");
    }

    function release() {
      halt();
      tracks = undefined;
      offset = 0;
      show(0);
    }

    function enter() {
      if (active !== mine) active?.release();
      active = mine;
    }

    async function start() {
      enter();
      const own = ++run;
      clips.forEach((clip) => clip.pause?.());
      deck.classList.add("playing");
      play.setAttribute("aria-label", "Pause");
      tracks ??= load();
      const loaded = await tracks;
      if (own === run) await context.resume();
      if (own !== run) return;
      tracks = loaded;
      const at = context.currentTime + 0.03;
      offset = offset % length;
      began = at - offset;
      voices = tracks.map((track) => {
        track.gain.gain.cancelScheduledValues(0);
        track.gain.gain.value = track.key === key ? 1 : 0;
        const voice = context.createBufferSource();
        voice.buffer = track.buffer;
        voice.loop = loop.checked;
        voice.connect(track.gain);
        voice.start(at, offset);
        return voice;
      });
      voices[0].onended = () => { halt(); offset = 0; show(0); };
      requestAnimationFrame(tick);
    }

    const now = () => Math.max(0, context.currentTime - began) % length;
    const show = (at) => ["x1", "x2"].forEach((name) => head.setAttribute(name, String((300 * at) / (length || 1))));

    function tick() {
      if (!voices.length) return;
      show(now());
      requestAnimationFrame(tick);
    }

    function toggle() {
      if (deck.classList.contains("playing")) {
        if (voices.length) offset = now();
        halt();
      } else start();
    }

    async function seek(event) {
      const box = waves.getBoundingClientRect();
      const part = Math.min(0.999, Math.max(0, (event.clientX - box.left) / box.width));
      const wave = event.target.closest("[data-wave]");
      if (wave) choose(wave.dataset.wave);
      halt();
      enter();
      tracks ??= load();
      tracks = await tracks;
      offset = part * length;
      show(offset);
      start();
    }

    play.addEventListener("click", toggle);
    waves.addEventListener("click", seek);
    loop.addEventListener("change", () => voices.forEach((voice) => { voice.loop = loop.checked; }));
    buttons.forEach((button) => button.addEventListener("click", () => choose(button.dataset.key)));
    // After a click with the pointer the space bar belongs to the deck again.
    deck.addEventListener("click", (event) => { if (event.detail) event.target.closest("button, input")?.blur(); });
    clips.forEach((clip) => clip.addEventListener("play", () => {
      halt();
      clips.forEach((other) => { if (other !== clip) other.pause(); });
    }));
    choose("A");
    const mine = { deck, toggle, choose, release };
    return mine;
  }

  const decks = [...root.querySelectorAll(".deck")].map(wire).filter(Boolean);
  active = decks[0];

  function press(event) {
    // The first of the path, as a deck may stand in a shadow tree.
    const at = event.composedPath()[0];
    if (event.ctrlKey || event.metaKey || event.altKey || !active?.deck.offsetParent) return;
    if (at.closest?.("textarea, select, [contenteditable], input:not([type=checkbox])")) return;
    if (event.code === "Space") {
      if (at.closest?.("button, input, summary, audio, a")) return;
      event.preventDefault();
      if (!event.repeat) active.toggle();
    } else active.choose(event.key.toUpperCase());
  }

  if (decks.length) document.addEventListener("keydown", press);
  return () => {
    decks.forEach((deck) => deck.release());
    document.removeEventListener("keydown", press);
    context?.close();
  };
};
player(document);
