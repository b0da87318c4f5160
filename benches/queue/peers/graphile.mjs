// graphile.mjs JOBS QUEUES CLAIMERS [STUCK]: empty jobs in so many named queues, each of which runs one at a time, in order; so many more in two
// queues whose first job does not end. Prints jobs per second.
import { Logger, makeWorkerUtils, run } from "graphile-worker";
import pg from "pg";

const [jobs, queues, claimers, stuck = 0] = process.argv.slice(2).map(Number);
const held = stuck > 0 ? 2 : 0;
const pgPool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: claimers + held + 4 });
const logger = new Logger(() => () => {});
const utils = await makeWorkerUtils({ pgPool, logger });
await utils.migrate();
for (let first = 0; first < stuck; first += 1000) {
  const specs = [];
  for (let job = first; job < Math.min(first + 1000, stuck); job += 1) {
    specs.push({ identifier: "endless", payload: {}, queueName: `stuck${job % held}` });
  }
  await utils.addJobs(specs);
}
for (let first = 0; first < jobs; first += 1000) {
  const specs = [];
  for (let job = first; job < Math.min(first + 1000, jobs); job += 1) {
    specs.push({ identifier: "nothing", payload: { job }, queueName: `q${job % queues}` });
  }
  await utils.addJobs(specs);
}
await pgPool.query("ANALYZE");

let done = 0;
let finished;
const all = new Promise((resolve) => { finished = resolve; });
const nothing = async () => { done += 1; if (done === jobs) finished(); };
const endless = () => all;
const began = process.hrtime.bigint();
const taskList = { nothing, endless };
const runner = await run({ pgPool, concurrency: claimers + held, noHandleSignals: true, logger, taskList });
// A minute tells enough of a slow one.
await Promise.race([all, new Promise((resolve) => { setTimeout(resolve, 60_000).unref(); })]);
const seconds = Number(process.hrtime.bigint() - began) / 1e9;
console.log(JSON.stringify({ done, perSecond: done / seconds }));
// What has not ended is not waited for.
if (held === 0) {
  await runner.stop();
  await utils.release();
  await pgPool.end();
}
process.exit(0);
