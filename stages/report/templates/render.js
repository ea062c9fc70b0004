// Render the formulas; one that KaTeX cannot read stays as its source.
const options = { throwOnError: true, strict: "ignore", trust: false };
for (const place of document.querySelectorAll(".formula")) {
  const source = place.textContent;
  const style = place.closest(".statement") ? "\\displaystyle " : "";
  try { katex.render(style + source, place, options); } catch { place.textContent = source; }
}
const delimiters = [
  { left: "$$", right: "$$", display: false }, { left: "\\[", right: "\\]", display: false },
  { left: "\\(", right: "\\)", display: false }, { left: "$", right: "$", display: false },
];
for (const name of ["equation", "equation*", "align", "align*", "gather", "gather*"]) {
  delimiters.push({ left: `\\begin{${name}}`, right: `\\end{${name}}`, display: true });
}
for (const place of document.querySelectorAll(".math")) {
  renderMathInElement(place, { ...options, throwOnError: false, delimiters, errorColor: "inherit", errorCallback() {} });
}
