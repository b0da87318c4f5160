// Answers the orders of benches/flow on standard input, one JSON object a line, for whichever library is given.
//
//   { "do": "flow", "email", "role", "pictures", "tracing" }   one flow in a fresh context
//   { "do": "many", "sessions", "flows": [{ email, role }] }   all of them, so many at a time
//   { "do": "hold", "sessions" }                               so many contexts more, signed in and left open
import readline from 'node:readline';

export const settings = {
  base: process.env.DESK_URL,
  chromium: process.env.CHROMIUM,
  traces: process.env.TRACES,
  viewport: { width: 1280, height: 900 },
  arguments: [
    ...(process.getuid() === 0 ? ['--no-sandbox'] : []),
    '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync',
  ],
  username: process.env.DESK_USER,
  password: process.env.DESK_PASSWORD,
};

export async function obey(peer) {
  const browser = await peer.launch();
  const say = (answer) => process.stdout.write(`${JSON.stringify(answer)}\n`);
  say({ ready: true });
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const order = JSON.parse(line);
    const began = performance.now();
    try {
      if (order.do === 'flow') await peer.flow(browser, order);
      if (order.do === 'many') {
        const left = [...order.flows];
        const session = async () => {
          for (let flow = left.shift(); flow; flow = left.shift()) await peer.flow(browser, flow);
        };
        await Promise.all(Array.from({ length: order.sessions }, session));
      }
      if (order.do === 'hold') for (let n = 0; n < order.sessions; n++) await peer.hold(browser);
      say({ ms: performance.now() - began });
    } catch (error) {
      say({ error: String(error?.stack ?? error).slice(0, 1000) });
    }
  }
  await browser.close();
}
