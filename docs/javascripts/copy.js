// The button beside a console block copies its commands alone: neither prompts nor output.
document.addEventListener(
  "click",
  (event) => {
    const button = event.target.closest("[data-clipboard-target]");
    const block = button?.closest(".highlight");
    if (!block?.querySelector(".gp")) return;
    const commands = block
      .querySelector("code")
      .textContent.split("\n")
      .filter((line) => line.startsWith("$ "))
      .map((line) => line.slice(2));
    button.setAttribute("data-clipboard-text", commands.join("\n"));
  },
  true,
);
