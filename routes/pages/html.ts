/** Text that is HTML already. */
export class Html {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** A template in which everything that is put in is escaped, unless it is Html. */
export function html(strings: TemplateStringsArray, ...values: readonly (string | Html)[]): Html {
  const parts = strings.map(
    (text, index) => text + (index < values.length ? escape(values[index] ?? '') : ''),
  );
  return new Html(parts.join(''));
}

function escape(value: string | Html): string {
  return value instanceof Html ? value.text : value.replaceAll(/[&<>"']/g, (one) => ENTITIES[one] ?? one);
}

export function join(parts: readonly Html[]): Html {
  return new Html(parts.map(({ text }) => text).join('\n'));
}

/** Without a head, the first cell of each row is its head. */
export function table(head: readonly string[], rows: readonly (readonly (string | Html)[])[]): Html {
  const body = rows.map((cells) => {
    const shown = cells.map((cell, index) =>
      head.length === 0 && index === 0 ? html`<th>${cell}</th>` : html`<td>${cell}</td>`,
    );
    return html`<tr>
      ${join(shown)}
    </tr>`;
  });
  const top =
    head.length === 0
      ? []
      : [
          html`<tr>
            ${join(head.map((cell) => html`<th>${cell}</th>`))}
          </tr>`,
        ];
  return html`<table>
    ${join([...top, ...body])}
  </table>`;
}
