// What the page asks of its server.

/** Ask for something to be done; its answer, or an error with the reason. */
export async function post(path, body) {
  const reply = await fetch(`/api/${path}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  const answer = await reply.json();
  if (!reply.ok) throw new Error(answer.error ?? `status ${reply.status}`);
  return answer;
}

export const fixed = async () => (await fetch("/api/fixed")).json();

/** Follow what changes; `told` is called with all of it, `connected` with whether the server is there. */
export function follow(told, connected) {
  const source = new EventSource("/events");
  source.onmessage = (event) => told(JSON.parse(event.data));
  source.onopen = () => connected(true);
  source.onerror = () => connected(false);
}
