// graphile.mjs JOBS QUEUES CLAIMERS: empty jobs in so many named queues, each of which runs one at a time, in order. Prints jobs per second.
import { Logger, makeWorkerUtils, run } from "graphile-worker";
import pg from "pg";

const [jobs, queues, claimers] = process.argv.slice(2).map(Number);
const pgPool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: claimers + 4 });
const logger = new Logger(() => () => {});
const utils = await makeWorkerUtils({ pgPool, logger });
await utils.migrate();
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
const began = process.hrtime.bigint();
const runner = await run({ pgPool, concurrency: claimers, noHandleSignals: true, logger, taskList: { nothing } });
// A minute tells enough of a slow one.
await Promise.race([all, new Promise((resolve) => { setTimeout(resolve, 60_000).unref(); })]);
const seconds = Number(process.hrtime.bigint() - began) / 1e9;
console.log(JSON.stringify({ done, perSecond: done / seconds }));
await runner.stop();
await utils.release();
await pgPool.end();
process.exit(0);
