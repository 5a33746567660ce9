// Talks to the local account as any JavaScript program would; prints what it saw as one line of JSON.
const { ChangeFeedStartFrom, CosmosClient, StatusCodes } = require("@azure/cosmos");

async function main() {
  const client = new CosmosClient({ endpoint: process.argv[2], key: process.argv[3] });
  const { database } = await client.databases.createIfNotExists({ id: "javascript" });
  const { container } = await database.containers.createIfNotExists({
    id: "items",
    partitionKey: { paths: ["/pk"] },
    throughput: 12000,
  });
  for (let n = 0; n < 5; n++) {
    await container.items.create({ id: `i${n}`, pk: n % 2 ? "odd" : "even", n });
  }
  const inPartition = await container.items
    .query("SELECT VALUE c.id FROM c WHERE c.n > 1", { partitionKey: "even" })
    .fetchAll();
  const sorted = await container.items.query("SELECT VALUE c.n FROM c ORDER BY c.n DESC").fetchAll();
  const counted = await container.items.query("SELECT VALUE COUNT(1) FROM c").fetchAll();
  const grouped = await container.items.query("SELECT c.pk, COUNT(1) AS n FROM c GROUP BY c.pk").fetchAll();
  const columns = await container.items.query("SELECT COUNT(1) AS n, MAX(c.n) AS m FROM c").fetchAll();
  const batch = await container.items.batch(
    [
      { operationType: "Create", resourceBody: { id: "b1", pk: "odd" } },
      { operationType: "Upsert", resourceBody: { id: "b2", pk: "odd" } },
    ],
    "odd"
  );
  const bulk = await container.items.executeBulkOperations([
    { operationType: "Create", partitionKey: "odd", resourceBody: { id: "x1", pk: "odd" } },
    { operationType: "Create", partitionKey: "odd", resourceBody: { id: "b1", pk: "odd" } },
  ]);
  const stopped = await container.items.bulk(
    [
      { operationType: "Create", partitionKey: "odd", resourceBody: { id: "b1", pk: "odd" } },
      { operationType: "Create", partitionKey: "odd", resourceBody: { id: "x2", pk: "odd" } },
    ],
    { continueOnError: false }
  );
  const patched = await container.item("i1", "odd").patch([{ op: "incr", path: "/n", value: 10 }]);
  const changes = [];
  const feed = container.items.getChangeFeedIterator({ changeFeedStartFrom: ChangeFeedStartFrom.Beginning() });
  while (feed.hasMoreResults) {
    const page = await feed.readNext();
    if (page.statusCode === StatusCodes.NotModified) break;
    changes.push(...page.result.map((item) => item.id));
  }
  console.log(
    JSON.stringify({
      inPartition: inPartition.resources,
      sorted: sorted.resources,
      counted: counted.resources,
      grouped: grouped.resources.map((row) => [row.pk, row.n]).sort(),
      columns: columns.resources,
      batch: batch.result.map((result) => result.statusCode),
      bulk: bulk.map((result) => (result.response || result.error).statusCode || result.error.code),
      stopped: stopped.map((result) => result.statusCode),
      patched: patched.resource.n,
      changes: changes.sort(),
    })
  );
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
