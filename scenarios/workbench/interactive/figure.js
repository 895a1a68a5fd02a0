
(() => {
  "use strict";
  const root = document.currentScript.closest(".beat");
  const data = JSON.parse(root.querySelector("script[type='application/json']").textContent);
  const canvas = root.querySelector("canvas"), pen = canvas.getContext("2d");
  const play = root.querySelector("button"), said = root.querySelector(".beat-said");
  const input = (name) => root.querySelector(`[name='${name}']`);
  const loops = [...root.querySelectorAll("[type='radio']")];
  const group = `beat-loop-${performance.now()}`;  // to itself on a page of several figures
  loops.forEach((radio) => { radio.name = group; });
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  const nKeys = data.scores.length, end = data.end, WINDOW = 400, GAMMA = [30, 80];
  const look = {};

  // ---- the data: varints to spikes, counts of each key at every millisecond ----

  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

  function spikes(text) {
    const numbers = [];
    let number = 0, unit = 1;
    for (const byte of bytes(text)) {
      number += (byte & 127) * unit;
      if (byte < 128) { numbers.push(number); number = 0; unit = 1; } else { unit *= 128; }
    }
    const time = new Float64Array(numbers.length / 2), cell = new Uint32Array(numbers.length / 2);
    let step = 0;
    for (let i = 0; i < time.length; i++) {
      step += numbers[2 * i];
      time[i] = step * data.dt;
      cell[i] = numbers[2 * i + 1];
    }
    return { time, cell };
  }

  function counted(exc) {  // (millisecond + 1, key): spikes before that time
    const sums = new Uint32Array((end + 1) * nKeys);
    let spike = 0;
    for (let ms = 1; ms <= end; ms++) {
      sums.copyWithin(ms * nKeys, (ms - 1) * nKeys, ms * nKeys);
      for (; spike < exc.time.length && exc.time[spike] < ms; spike++) {
        sums[ms * nKeys + Math.floor(exc.cell[spike] / data.cells)]++;
      }
    }
    return sums;
  }

  const opened = new Map();
  function setting(index) {
    if (!opened.has(index)) {
      const raw = data.settings[index];
      const exc = raw && spikes(raw.exc);
      opened.set(index, raw && { ...raw, exc, inh: spikes(raw.inh), field: bytes(raw.field), sums: counted(exc) });
    }
    return opened.get(index);
  }

  // ---- what is shown ----

  function state() {
    const temperature = +input("temperature").value, inhibition = +input("inhibition").value;
    const off = +loops.find((radio) => radio.checked).value;
    const both = [0, 1].map((which) => setting((temperature * data.inhibitions.length + inhibition) * 2 + which));
    const of = both[off];
    const ms = Math.min(+input("time").value, end);
    const counts = of ? [...of.sums.slice(ms * nKeys, (ms + 1) * nKeys)] : data.scores.map(() => 0);
    const total = counts.reduce((sum, n) => sum + n, 0);
    const top = Math.max(...both.map((one) => one?.top ?? 0));  // one scale, with the rhythm and without
    return { temperature, inhibition, off, of, ms, top, counts, total, target: data.target[temperature] };
  }

  const spread = (p, n) => 1.96 * Math.sqrt(p * (1 - p) / Math.max(n, 1));  // of a binomial share, 95 %

  function describe(now) {
    root.querySelector("[name='time'] + output").textContent = `${now.ms} ms`;
    root.querySelector("[name='temperature'] + output").textContent = data.temperatures[now.temperature].toPrecision(2);
    root.querySelector("[name='inhibition'] + output").textContent = data.inhibitions[now.inhibition].toPrecision(2);
    said.textContent = sentence(now);
    const rows = now.counts.map((n, key) => {
      const p = now.target[key], band = spread(p, now.total);
      return [data.scores[key].toFixed(2), n, (n / Math.max(now.total, 1)).toFixed(3), p.toFixed(3),
        `${Math.max(0, p - band).toFixed(3)} to ${Math.min(1, p + band).toFixed(3)}`];
    }).reverse();
    root.querySelector("tbody").replaceChildren(...rows.map((cells) => {
      const row = document.createElement("tr");
      row.append(...cells.map((text) => Object.assign(document.createElement("td"), { textContent: text })));
      return row;
    }));
  }

  function sentence({ of, ms, total, counts, target, off }) {
    if (!of) return "No drive gives the loop's rate at this setting, so it has no control without the rhythm.";
    const rhythm = of.peak ? `rhythm at ${of.peak.toFixed(0)} Hz` : "no significant rhythm in 30\u201380 Hz";
    const which = off ? "E to I cut, drive lowered to the same rate" : "With the loop";
    if (!total) return `${which}: ${rhythm}. No spike in ${ms} ms yet.`;
    const distance = counts.reduce((sum, n, key) => sum + Math.abs(n / total - target[key]), 0) / 2;
    // Mean absolute deviation of a normal law: what the share of as many independent samples would score.
    const floor = target.reduce((sum, p) => sum + Math.sqrt(2 * p * (1 - p) / (Math.PI * total)), 0) / 2;
    return `${which}: ${rhythm}. ${total} spikes in ${ms} ms, their shares ${distance.toFixed(3)} (total variation) ` +
      `from the softmax; as many independent samples lie about ${floor.toFixed(3)} away.`;
  }

  // ---- drawing ----

  const colour = (name) => look.css.getPropertyValue(`--${name}`).trim();

  function readLook() {
    const [red, green, blue] = getComputedStyle(root).color.match(/[\d.]+/g).map(Number);
    root.dataset.mode = red + green + blue > 384 ? "dark" : "light";  // light text stands on a dark page
    look.css = getComputedStyle(root);
    look.keys = data.colours[root.dataset.mode];
    look.font = look.css.fontFamily;
  }

  function places(width) {
    const wide = width >= 620, left = 40, right = Math.round(width * (wide ? 0.68 : 0.66)), top = 24;
    const raster = { x: left, y: top, w: right - left, h: 40 * Math.min(Math.max(nKeys, 5), 8) };
    const inh = { ...raster, y: raster.y + raster.h + 4, h: 26 };
    const field = { ...raster, y: inh.y + inh.h + 8, h: 40 };
    const shares = { x: right + 18, y: top, w: width - right - 22, h: raster.h };
    const second = field.y + field.h + 68;
    const running = { x: left, y: second, w: wide ? raster.w : width - left - 18, h: 130 };
    const spectrum = wide ? { x: right + 46, y: second, w: width - right - 50, h: 130 }
      : { ...running, y: second + 130 + 62 };
    return { raster, inh, field, shares, running, spectrum, height: spectrum.y + spectrum.h + 38 };
  }

  function text(words, x, y, { align = "left", ink = "ink", bold = false } = {}) {
    pen.font = `${bold ? "600 " : ""}12px ${look.font}`;
    pen.textAlign = align;
    pen.fillStyle = colour(ink);
    pen.fillText(words, x, y);
  }

  function line(points, ink, { width = 1.4, dash = [] } = {}) {
    pen.beginPath();
    points.forEach(([x, y], i) => (i ? pen.lineTo(x, y) : pen.moveTo(x, y)));
    pen.strokeStyle = ink;
    pen.lineWidth = width;
    pen.setLineDash(dash);
    pen.stroke();
    pen.setLineDash([]);
  }

  function axis(at, ticks, place, label) {
    const y = at.y + at.h;
    line([[at.x, y], [at.x + at.w, y]], colour("muted"), { width: 0.8 });
    ticks.forEach((tick) => text(String(tick), place(tick), y + 15, { align: "center", ink: "muted" }));
    text(label, at.x + at.w / 2, y + 31, { align: "center" });
  }

  function drawRaster({ of, ms, top }, { raster, inh, field }) {
    const from = Math.max(0, ms - WINDOW), place = (t) => raster.x + (t - from) / WINDOW * raster.w;
    text(`spikes of E cells, ${Math.min(WINDOW, end)} ms`, raster.x, 14, { bold: true });
    text(data.unit, raster.x - 6, 14, { align: "right", ink: "muted" });
    const labelled = Math.ceil(14 * nKeys / raster.h);  // where keys are many, one in so many
    for (let key = 0; key < nKeys; key++) {
      const y = raster.y + raster.h * (1 - key / nKeys), middle = y - raster.h / nKeys / 2;
      line([[raster.x, y], [raster.x + raster.w, y]], colour("line"), { width: 0.8 });
      if (key % labelled === 0) text(data.scores[key].toFixed(1), raster.x - 6, middle + 4, { align: "right", ink: "muted" });
    }
    const rows = nKeys * data.cells, dot = raster.w < 300 ? 2 : 3;
    const dots = (spikes, row, shade) => {
      for (let i = 0; i < spikes.time.length && spikes.time[i] < ms; i++) {
        if (spikes.time[i] < from) continue;
        pen.fillStyle = shade(spikes.cell[i]);
        pen.fillRect(place(spikes.time[i]) - dot / 2, row(spikes.cell[i]) - dot / 2, dot, dot);
      }
    };
    dots(of.exc, (cell) => raster.y + raster.h * (1 - (cell + 0.5) / rows), (cell) => look.keys[Math.floor(cell / data.cells)]);
    const purple = colour("inh");
    dots(of.inh, (cell) => inh.y + inh.h * (1 - (cell + 0.5) / data.inh), () => purple);
    text("I", inh.x - 6, inh.y + inh.h / 2 + 4, { align: "right", ink: "muted" });
    text("field", field.x - 6, field.y + field.h / 2 + 4, { align: "right", ink: "muted" });
    const curve = [];
    for (let t = from; t < ms; t++) {
      const value = of.field[Math.floor(t / data.fieldStep)] / 255 * of.top;
      curve.push([place(t), field.y + field.h * (1 - Math.min(1, value / top))]);
    }
    line(curve, colour("muted"));
    const ticks = [0, 100, 200, 300, 400].map((t) => Math.ceil(from / 100) * 100 + t).filter((t) => t <= from + WINDOW);
    axis(field, ticks, place, "time (ms)");
    line([[place(ms), raster.y], [place(ms), field.y + field.h]], colour("ink"), { width: 1 });
  }

  function drawShares({ counts, total, target }, { shares }) {
    const most = Math.min(1, 1.5 * Math.max(...target)), place = (p) => shares.x + Math.min(p / most, 1) * shares.w;
    text("share so far", shares.x, 14, { bold: true });
    counts.forEach((n, key) => {
      const step = shares.h / nKeys, y = shares.y + shares.h - (key + 0.5) * step, p = target[key], band = spread(p, total);
      pen.fillStyle = look.keys[key];
      pen.fillRect(shares.x, y - step * 0.26, place(n / Math.max(total, 1)) - shares.x, step * 0.52);
      const [low, high] = [place(Math.max(0, p - band)), place(p + band)];
      line([[low, y], [high, y]], colour("softmax"), { width: 2 });
      [low, high].forEach((x) => line([[x, y - 4], [x, y + 4]], colour("softmax"), { width: 2 }));
      line([[place(p), y - step * 0.38], [place(p), y + step * 0.38]], colour("softmax"), { width: 2.6 });
    });
    const ticks = [0, 0.2, 0.4, 0.6, 0.8, 1].filter((p) => p <= most && (most < 0.65 || p * 5 % 2 === 0));
    axis(shares, ticks, place, "");
    text("softmax, 95 % of", shares.x, shares.y + shares.h + 36, { ink: "softmax" });
    text("as many samples", shares.x, shares.y + shares.h + 52, { ink: "softmax" });
  }

  function drawRunning({ of, ms, target }, { running }) {
    const most = Math.min(1, 1.35 * Math.max(...target));
    const x = (t) => running.x + t / end * running.w, y = (p) => running.y + running.h * (1 - Math.min(Math.max(p, 0) / most, 1));
    text("share of spikes until then, softmax dashed", running.x, running.y - 10, { bold: true });
    const sum = (t) => { let n = 0; for (let key = 0; key < nKeys; key++) n += of.sums[t * nKeys + key]; return n; };
    const times = [];
    for (let t = 10; t <= end; t += Math.max(2, Math.round(end / 500))) times.push(t);
    const totals = times.map(sum);
    target.forEach((p, key) => {
      const edge = (sign) => times.map((t, i) => [x(t), y(p + sign * spread(p, totals[i]))]);
      pen.beginPath();
      [...edge(1), ...edge(-1).reverse()].forEach(([a, b]) => pen.lineTo(a, b));
      pen.globalAlpha = 0.14;
      pen.fillStyle = look.keys[key];
      pen.fill();
      pen.globalAlpha = 1;
      line([[x(0), y(p)], [x(end), y(p)]], look.keys[key], { width: 1, dash: [4, 4] });
      const shown = times.map((t, i) => [t, totals[i]]).filter(([t, n]) => t <= ms && n);
      line(shown.map(([t, n]) => [x(t), y(of.sums[t * nKeys + key] / n)]), look.keys[key], { width: 1.8 });
    });
    line([[x(ms), running.y], [x(ms), running.y + running.h]], colour("ink"), { width: 1 });
    [0, most > 0.5 ? 0.4 : 0.2].forEach((p) => text(String(p), running.x - 6, y(p) + 4, { align: "right", ink: "muted" }));
    axis(running, [0, 0.25, 0.5, 0.75, 1].map((part) => Math.round(part * end)), x, "time (ms)");
  }

  function drawSpectrum({ of, off }, { spectrum }) {
    const highest = of.step * of.power.length, [low, top] = [Math.log(0.2), Math.log(look.power * 1.6)];
    const x = (f) => spectrum.x + f / highest * spectrum.w;
    const y = (p) => spectrum.y + spectrum.h * (1 - Math.max(0, Math.log(Math.max(p, 0.2)) - low) / (top - low));
    text("spectrum / Poisson", spectrum.x, spectrum.y - 10, { bold: true });
    pen.fillStyle = colour("line");
    pen.fillRect(x(GAMMA[0]), spectrum.y, x(GAMMA[1]) - x(GAMMA[0]), spectrum.h);
    line([[spectrum.x, y(1)], [spectrum.x + spectrum.w, y(1)]], colour("muted"), { width: 1, dash: [4, 3] });
    line(of.power.map((p, i) => [x((i + 1) * of.step), y(p)]), colour(off ? "control" : "spiking"), { width: 1.8 });
    const ticks = [1, 10, 100].filter((p) => p < look.power * 1.6);
    ticks.forEach((p) => text(String(p), spectrum.x - 6, y(p) + 4, { align: "right", ink: "muted" }));
    if (of.peak) line([[x(of.peak), spectrum.y], [x(of.peak), spectrum.y + spectrum.h]], colour("ink"), { width: 1 });
    text(of.peak ? `${of.peak.toFixed(0)} Hz` : "no significant peak", x(of.peak || 55) + (of.peak ? 5 : 0), spectrum.y + 13,
      { align: of.peak ? "left" : "center" });
    axis(spectrum, [0, 40, 80].filter((f) => f <= highest), x, "frequency (Hz)");
  }

  function draw() {
    const now = state(), width = canvas.clientWidth || 700, at = places(width), sharp = devicePixelRatio || 1;
    drawn = canvas.clientWidth;
    canvas.style.height = `${at.height}px`;
    canvas.width = Math.round(width * sharp);
    canvas.height = Math.round(at.height * sharp);
    pen.scale(sharp, sharp);
    if (now.of) {
      drawRaster(now, at);
      drawShares(now, at);
      drawRunning(now, at);
      drawSpectrum(now, at);
    }
    describe(now);
  }

  // ---- controls ----

  let frame = 0, before = 0, exact = 0;

  function stop() {
    cancelAnimationFrame(frame);
    frame = 0;
    play.textContent = "Play";
    said.setAttribute("aria-live", "polite");
  }

  function step(stamp) {  // with reduced motion, ten steps in place of a flow
    const passed = Math.min(stamp - before, 100) * +input("speed").value;
    before = stamp;
    exact += passed;
    const time = calm.matches ? Math.floor(exact / (end / 10)) * (end / 10) : exact;
    if (Math.round(time) !== +input("time").value) {
      input("time").value = Math.min(Math.round(time), end);
      draw();
    }
    if (exact >= end) { stop(); } else { frame = requestAnimationFrame(step); }
  }

  play.addEventListener("click", () => {
    if (frame) { stop(); return; }
    exact = +input("time").value >= end ? 0 : +input("time").value;
    before = performance.now();
    play.textContent = "Pause";
    said.setAttribute("aria-live", "off");  // a reader's voice could not follow
    frame = requestAnimationFrame(step);
  });
  input("time").addEventListener("input", () => { exact = +input("time").value; });
  root.addEventListener("input", draw);

  function repaint() { readLook(); draw(); }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
  new MutationObserver(repaint).observe(document.body, { attributes: true, attributeFilter: ["data-theme", "class"] });
  let drawn = 0;  // width; a drawing changes the height alone
  new ResizeObserver(() => { if (canvas.clientWidth !== drawn) requestAnimationFrame(draw); }).observe(root);

  const kept = data.settings.filter(Boolean);
  look.power = Math.max(...kept.flatMap((of) => of.power));
  repaint();
})();
