// Tables sort by the column whose heading is clicked; a second click turns the order round.
for (const table of document.querySelectorAll("table.models")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    head.querySelector("button")?.addEventListener("click", () => {
      const numbers = head.classList.contains("number");
      const before = head.getAttribute("aria-sort");
      const down = before ? before === "ascending" : numbers;
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const key = (row) => row.cells[column].dataset.value ?? row.cells[column].textContent;
      const order = (a, b) => {
        const [x, y] = [key(a), key(b)];
        if (!numbers) return x.localeCompare(y, undefined, { numeric: true });
        if (x === "" || y === "") return (x === "") - (y === "") || 0;
        return x - y;
      };
      const body = table.tBodies[0];
      const missing = (row) => numbers && key(row) === "";
      [...body.rows]
        .sort((a, b) => missing(a) - missing(b) || (down ? order(b, a) : order(a, b)))
        .forEach((row) => body.append(row));
    });
  });
}
