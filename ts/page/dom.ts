/** Makes an element in a parent. */
export function addElement<K extends keyof HTMLElementTagNameMap>(
  parent: Element,
  name: K,
  text = "",
): HTMLElementTagNameMap[K] {
  const made = document.createElement(name);
  made.textContent = text;
  parent.append(made);
  return made;
}

/** Makes a small button in a parent. */
export function smallButton(parent: Element, text: string, act: () => void): HTMLButtonElement {
  const made = addElement(parent, "button", text);
  made.type = "button";
  made.className = "small";
  made.addEventListener("click", act);
  return made;
}

/** An element that the page must have. */
export function byId(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no ${id}`);
  return found;
}

/** Calls a function once it has not been asked for during some time (ms). */
export function debounced(act: () => void, wait = 150): () => void {
  let timer = 0;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(act, wait);
  };
}
