// pgboss.mjs JOBS KEYS CLAIMERS [STUCK]: empty jobs of so many keys, each of which runs one at a time, in order (key_strict_fifo); so many more of
// two keys whose first job does not end. Prints jobs per second.
import { PgBoss } from "pg-boss";

const [jobs, keys, claimers, stuck = 0] = process.argv.slice(2).map(Number);
const boss = new PgBoss({ connectionString: process.env.DATABASE_URL, max: claimers + 4, supervise: false, schedule: false });
boss.on("error", (error) => console.error(error.message));
await boss.start();
await boss.createQueue("q", { policy: "key_strict_fifo" });
for (let job = 0; job < stuck; job += 1) await boss.send("q", {}, { singletonKey: `stuck${job % 2}` });
if (stuck > 0) for (let key = 0; key < 2; key += 1) await boss.fetch("q", { batchSize: 1 });
for (let job = 0; job < jobs; job += 1) await boss.send("q", { job }, { singletonKey: `k${job % keys}` });

let done = 0;
const began = process.hrtime.bigint();
const elapsed = () => Number(process.hrtime.bigint() - began) / 1e9;
const claimer = async () => {
  while (done < jobs && elapsed() < 60) {
    const fetched = await boss.fetch("q", { batchSize: 1 });
    for (const { id } of fetched ?? []) {
      await boss.complete("q", id);
      done += 1;
    }
  }
};
await Promise.all(Array.from({ length: claimers }, claimer));
console.log(JSON.stringify({ done, perSecond: done / elapsed() }));
await boss.stop({ graceful: false });
process.exit(0);
