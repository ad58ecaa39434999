// A blind A/B/X test: hear three sounds, answer two questions, keep the votes, hand them out as a file.
(() => {
  "use strict";
  const test = JSON.parse(document.getElementById("test").textContent);
  const KEYS = ["x", "a", "b"], HEARD_S = 1, FADE_S = 0.006, LEAD_S = 0.03;
  const $ = (selector) => document.querySelector(selector);
  const all = (selector) => [...document.querySelectorAll(selector)];

  // What is kept: a reload, or another day, goes on where it was.
  const place = `myna-listen-${test.id}`;
  const kept = (() => {
    try { return JSON.parse(localStorage.getItem(place)) ?? {}; } catch { return {}; }
  })();
  const state = { listener: "", at: 0, votes: {}, begun: false, ...kept };
  const keep = () => { try { localStorage.setItem(place, JSON.stringify(state)); } catch { /* votes live until the page is closed */ } };
  const votes = (trial) => (state.votes[trial.id] ??= {});
  const answered = (trial) => test.questions.every((question) => ["a", "b"].includes(votes(trial)[question]));

  // The player: all three sounds run at once, sample-aligned, and one is let through.
  const player = (() => {
    let context, tracks = [], length = 0, key = null, voices = [], began = 0, offset = 0, last = 0, run = 0, current, loaded;
    let changed = () => {};
    const heard = {};
    const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer;
    const awake = () => (context ??= new AudioContext());
    const now = () => Math.max(0, context.currentTime - began);
    const playing = () => voices.length > 0;
    const looping = () => $(".loop input").checked;

    function open(trial) {
      halt();
      tracks.forEach((track) => track.gain.disconnect());
      tracks = []; offset = 0; key = null; current = trial; loaded = undefined;
      KEYS.forEach((name) => { heard[name] = answered(trial) ? Infinity : 0; });
      changed();
    }

    async function load(trial) {
      const decoded = await Promise.all(trial.sounds.map((sound) => awake().decodeAudioData(bytes(sound))));
      length = Math.max(...decoded.map((buffer) => buffer.length)) / context.sampleRate;
      return decoded.map((buffer, i) => {
        const gain = context.createGain();
        gain.gain.value = 0;
        gain.connect(context.destination);
        return { key: KEYS[i], buffer, gain };
      });
    }

    function halt() {
      run++;
      count();
      voices.forEach((voice) => { voice.onended = null; voice.stop(); });
      voices = [];
    }

    async function start() {
      const mine = ++run;
      awake().resume();
      const ready = await (loaded ??= load(current));
      if (mine !== run) return;
      tracks = ready;
      key ??= "x";
      const at = context.currentTime + LEAD_S;
      began = at - offset;
      last = offset;
      voices = tracks.map((track) => {
        track.gain.gain.cancelScheduledValues(0);
        track.gain.gain.value = track.key === key ? 1 : 0;
        const voice = context.createBufferSource();
        voice.buffer = track.buffer;
        voice.loop = looping();
        voice.connect(track.gain);
        voice.start(at, offset);
        return voice;
      });
      voices[0].onended = () => { halt(); offset = 0; changed(); };
      changed();
      tick();
    }

    // Seconds in which a sound could be heard, to know that none was voted on unheard.
    function count() {
      if (!playing() || !key) return;
      heard[key] += Math.max(0, now() - last);
      last = now();
    }

    function tick() {
      if (!playing()) return;
      count();
      changed();
      setTimeout(tick, 40);
    }

    function choose(next) {
      count();
      key = next;
      tracks.forEach((track) => track.gain.gain.setTargetAtTime(track.key === key ? 1 : 0, context.currentTime, FADE_S));
      if (!playing()) start();
      changed();
    }

    function toggle() {
      if (playing()) { offset = now() % length; halt(); changed(); } else start();
    }

    return {
      open, halt, choose, toggle, playing,
      key: () => key,
      position: () => (length ? ((playing() ? now() : offset) % length) / length : 0),
      unheard: () => KEYS.filter((name) => heard[name] < Math.min(HEARD_S, 0.9 * (length || Infinity))),
      loop: () => voices.forEach((voice) => { voice.loop = looping(); }),
      whenChanged: (call) => { changed = call; },
    };
  })();

  // Screens
  const show = (name) => all("[data-screen]").forEach((screen) => { screen.hidden = screen.dataset.screen !== name; });
  const trial = () => test.trials[state.at];
  const onTrial = () => !$("[data-screen=trial]").hidden;
  const pending = () => test.questions.find((question) => !votes(trial())[question]);
  let now = test.questions[0];

  function draw() {
    if (!onTrial()) return;
    const unheard = player.unheard();
    all(".tile").forEach((tile) => {
      tile.setAttribute("aria-pressed", String(tile.dataset.sound === player.key()));
      tile.classList.toggle("done", !unheard.includes(tile.dataset.sound));
    });
    $(".controls").classList.toggle("playing", player.playing());
    $(".play").setAttribute("aria-label", player.playing() ? "Pause" : "Play");
    $(".position").value = player.position();
    const says = unheard.length ? `Still to hear: ${unheard.join(", ").toUpperCase()}` : "";
    if ($("#missing").textContent !== says) $("#missing").textContent = says;
    all(".question").forEach((question) => {
      question.disabled = unheard.length > 0;
      question.classList.toggle("now", !unheard.length && question.dataset.question === now);
      question.querySelectorAll("input").forEach((input) => { input.checked = votes(trial())[input.name] === input.value; });
    });
    $("#next").disabled = !answered(trial());
    $("#next").textContent = state.at + 1 < test.trials.length ? "Next" : "Finish";
    $("#back").disabled = state.at === 0;
  }

  function openTrial(at) {
    state.at = at;
    keep();
    show("trial");
    now = pending() ?? test.questions[0];
    $("#place").textContent = `Trial ${at + 1} of ${test.trials.length}`;
    $(".way progress").value = at;
    player.open(trial());
    draw();
    $("#place").focus({ preventScroll: true });
    window.scrollTo(0, 0);
  }

  function answer(question, side) {
    if (player.unheard().length) return;
    votes(trial())[question] = side;
    keep();
    now = pending() ?? test.questions[(test.questions.indexOf(question) + 1) % test.questions.length];
    draw();
  }

  function next() {
    if (!answered(trial())) return;
    const open = test.trials.findIndex((one) => !answered(one));
    if (state.at + 1 < test.trials.length) openTrial(state.at + 1);
    else if (open >= 0) openTrial(open);
    else finish();
  }

  function finish() {
    player.halt();
    state.at = test.trials.length;
    keep();
    const text = JSON.stringify({
      format: test.format, version: test.version, test: test.id, listener: state.listener,
      votes: test.trials.map((one) => ({ trial: one.id, ...Object.fromEntries(test.questions.map((question) => [question, votes(one)[question]])) })),
    }, null, 1);
    $("textarea").value = text;
    $("#download").href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
    $("#download").download = `votes-${state.listener.replace(/[^A-Za-z0-9_-]+/g, "-")}.json`;
    show("end");
    $("#done").focus({ preventScroll: true });
  }

  // What a person does
  $(".begin").addEventListener("submit", (event) => {
    event.preventDefault();
    const name = $("#listener").value.trim();
    if (!/^[\p{L}\p{N}](?:[\p{L}\p{N} ._-]*[\p{L}\p{N}._-])?$/u.test(name)) {
      $("#refused").textContent = "Letters, digits, spaces and . _ - only.";
      return;
    }
    state.listener = name;
    state.begun = true;
    openTrial(0);
  });
  $("#volume").addEventListener("click", () => {
    if (!player.playing()) player.choose("x"); else player.toggle();
    $("#volume").blur();
  });
  all(".tile").forEach((tile) => tile.addEventListener("click", () => player.choose(tile.dataset.sound)));
  all(".question input").forEach((input) => input.addEventListener("change", () => answer(input.name, input.value)));
  $(".play").addEventListener("click", player.toggle);
  $(".loop input").addEventListener("change", player.loop);
  $("#next").addEventListener("click", next);
  $("#back").addEventListener("click", () => openTrial(state.at - 1));
  $("#again").addEventListener("click", () => openTrial(test.trials.length - 1));
  // After a click with the pointer the keys belong to the test again.
  $("main").addEventListener("click", (event) => { if (event.detail && onTrial() && event.target.closest("button, input")) document.activeElement.blur(); });
  document.addEventListener("keydown", (event) => {
    if (!onTrial() || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    const key = event.key.toLowerCase();
    if (KEYS.includes(key)) player.choose(key);
    else if (key === "1" || key === "2") answer(now, key === "1" ? "a" : "b");
    else if (event.target.closest?.("button, summary, a")) return;
    else if (key === "enter") next();
    else if (key === " " && !event.target.closest?.("input")) { event.preventDefault(); player.toggle(); }
  });
  player.whenChanged(draw);

  if (!window.AudioContext) show("unable");
  else if (state.begun && test.trials.every(answered)) finish();
  else if (state.begun) openTrial(Math.min(state.at, test.trials.length - 1));
  else {
    const random = [...crypto.getRandomValues(new Uint8Array(4))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    $("#listener").value = state.listener || random;
    player.open(test.trials[0]);
    show("start");
  }
})();
