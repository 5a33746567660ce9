// The pages work without this. It only lets the time slider say where it is, and go there when it is let go.
"use strict";
for (const form of document.querySelectorAll("[data-slider]")) {
  const range = form.querySelector("input[type=range]");
  const output = form.querySelector("output");
  range.addEventListener("input", () => { output.value = range.value; });
  range.addEventListener("pointerup", () => { if (range.value !== range.defaultValue) form.requestSubmit(); });
}
