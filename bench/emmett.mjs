// The same work with emmett on PostgreSQL, for figures of one sitting: commands a second (read the stream, decide, append
// one event), and events a second of rebuilding a table of balances from the log. Rates are by wall clock.
//
//     npm install --prefix /tmp/emmett @event-driven-io/emmett@0.42.0 @event-driven-io/emmett-postgresql@0.42.0
//     cp bench/emmett.mjs /tmp/emmett/ && node /tmp/emmett/emmett.mjs postgresql://postgres@127.0.0.1:5432/bench [events] [accounts]
//
// The database must be an empty one that may be filled: its schema `public` is dropped first.
import { SQL } from '@event-driven-io/dumbo';
import { CommandHandler } from '@event-driven-io/emmett';
import { getPostgreSQLEventStore, postgreSQLRawSQLProjection, rebuildPostgreSQLProjections } from '@event-driven-io/emmett-postgresql';
import pg from 'pg';

const [dsn, events = '20000', accounts = '200'] = process.argv.slice(2);
const SECONDS = 2;
const PER_APPEND = 50;

const deposited = (amount) => ({
  type: 'Deposited',
  data: { amount, asset: 'EUR/2', effective_date: null, transfer_id: null, reference: 'invoice 4711', actor: 'clerk' },
});
const handle = CommandHandler({
  initialState: () => ({ balance: 0 }),
  evolve: (state, event) => ({ balance: state.balance + event.data.amount }),
});
const report = (name, rate) => console.log(`| ${name} | ${Math.round(rate).toLocaleString('en')} |`);

async function query(statement) {
  const client = new pg.Client(dsn);
  await client.connect();
  try {
    return (await client.query(statement)).rows;
  } finally {
    await client.end();
  }
}

async function commands(store) {
  for (let end = performance.now() + 500; performance.now() < end; ) await handle(store, 'warm', () => deposited(500));
  const began = performance.now();
  let count = 0;
  // A stream of at most 50 events: emmett reads all of it for every command.
  for (; performance.now() - began < SECONDS * 1000; count++) {
    await handle(store, `rate-${Math.floor(count / 50)}`, () => deposited(500));
  }
  return count / ((performance.now() - began) / 1000);
}

async function rebuild(store) {
  for (let n = 0; n < Number(events); n += PER_APPEND) {
    const stream = `account-${(n / PER_APPEND) % Number(accounts)}`;
    await store.appendToStream(stream, Array.from({ length: PER_APPEND }, () => deposited(1)));
  }
  await query('CREATE TABLE balances (id text PRIMARY KEY, balance bigint)');
  const projection = postgreSQLRawSQLProjection({
    name: 'balances',
    canHandle: ['Deposited'],
    evolve: ({ data, metadata }) => SQL`INSERT INTO balances AS b VALUES (${metadata.streamName}, ${data.amount})
      ON CONFLICT (id) DO UPDATE SET balance = b.balance + excluded.balance`,
  });
  const pulling = { batchSize: 500, pullingFrequencyInMs: 1 };
  const rebuilder = rebuildPostgreSQLProjections({ connectionString: dsn, projections: [projection], pulling });
  const [{ count: before }] = await query("SELECT count(*) FROM emt_messages WHERE message_type = 'Deposited'");
  const began = performance.now();
  await rebuilder.start();
  const seconds = (performance.now() - began) / 1000;
  await rebuilder.close();
  const [{ sum }] = await query('SELECT sum(balance) FROM balances');
  if (!(Number(sum) >= Number(events))) throw new Error(`the table has ${sum} of at least ${events}`);
  return Number(before) / seconds;
}

await query('DROP SCHEMA public CASCADE; CREATE SCHEMA public');
const store = getPostgreSQLEventStore(dsn);
console.log('| emmett on PostgreSQL | a second |\n|---|---:|');
report('commands, 1 client', await commands(store));
report('rebuild of balances, one upsert per event', await rebuild(store));
await store.close();
process.exit(0);
