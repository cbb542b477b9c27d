// The AWS SDK for JavaScript against a running daemon: `node sdk.mjs ENDPOINT`, with credentials in the environment and the CA in
// NODE_EXTRA_CA_CERTS. One line a check, `ok NAME` or `FAIL NAME`; ends with 1 when one failed.
import * as kms from "@aws-sdk/client-kms";
import { randomBytes } from "node:crypto";

const client = new kms.KMSClient({ endpoint: process.argv[2], region: "us-east-1", maxAttempts: 1 });
const name = `sdk-${randomBytes(4).toString("hex")}`;
let failed = 0;

function check(what, isGood, detail = "") {
  failed += isGood ? 0 : 1;
  console.log(`${isGood ? "ok  " : "FAIL"} ${what}${isGood ? "" : `: ${detail}`}`);
}

const run = (command, input) => client.send(new kms[`${command}Command`](input));
const same = (left, right) => Buffer.compare(Buffer.from(left), Buffer.from(right)) === 0;

async function fails(what, code, command, input) {
  try {
    await run(command, input);
    check(what, false, "it succeeded");
  } catch (error) {
    check(what, error.name === code && (kms[code] === undefined || error instanceof kms[code]), `${error.name}: ${error.message}`);
  }
}

const context = { bucket: "b", object: "dir/ö \"quoted\"" };
const made = await run("CreateKey", { Description: "of the SDK", Tags: [{ TagKey: "name", TagValue: name }] });
check("create", made.KeyMetadata.KeyId === name && made.KeyMetadata.CreationDate instanceof Date, JSON.stringify(made.KeyMetadata));
check("request id", Boolean(made.$metadata.requestId), JSON.stringify(made.$metadata));

const key = await run("GenerateDataKey", { KeyId: name, KeySpec: "AES_256", EncryptionContext: context });
check("generate", key.Plaintext.length === 32 && key.KeyId === name);
const opened = await run("Decrypt", { CiphertextBlob: key.CiphertextBlob, EncryptionContext: context });
check("decrypt", same(opened.Plaintext, key.Plaintext) && opened.EncryptionAlgorithm === "SYMMETRIC_DEFAULT");
await fails("another context", "InvalidCiphertextException", "Decrypt", { CiphertextBlob: key.CiphertextBlob });

await run("RotateKeyOnDemand", { KeyId: name });
check("rotate", (await run("ListKeyRotations", { KeyId: name })).Rotations.length === 1);
check("what was wrapped before opens", same((await run("Decrypt", { CiphertextBlob: key.CiphertextBlob, EncryptionContext: context })).Plaintext, key.Plaintext));

const moved = await run("ReEncrypt", { CiphertextBlob: key.CiphertextBlob, SourceEncryptionContext: context, DestinationKeyId: "alias/default" });
check("re-encrypt", same((await run("Decrypt", { CiphertextBlob: moved.CiphertextBlob })).Plaintext, key.Plaintext) && moved.SourceKeyId === name);

const text = Buffer.alloc(4096, "x");
const sealedText = await run("Encrypt", { KeyId: `alias/${name}`, Plaintext: text });
check("encrypt", same((await run("Decrypt", { CiphertextBlob: sealedText.CiphertextBlob, KeyId: name })).Plaintext, text));
await fails("another key", "IncorrectKeyException", "Decrypt", { CiphertextBlob: sealedText.CiphertextBlob, KeyId: "alias/default" });

let all = [];
for await (const page of kms.paginateListKeys({ client, pageSize: 1 }, {})) all = all.concat(page.Keys.map((entry) => entry.KeyId));
check("list, page by page", all.includes(name) && new Set(all).size === all.length, all.join(" "));

await run("TagResource", { KeyId: name, Tags: [{ TagKey: "owner", TagValue: "sdk" }] });
check("tag", (await run("ListResourceTags", { KeyId: name })).Tags.some((tag) => tag.TagValue === "sdk"));
await run("UntagResource", { KeyId: name, TagKeys: ["owner"] });
await run("UpdateKeyDescription", { KeyId: name, Description: "new" });
await run("DisableKey", { KeyId: name });
await fails("a disabled key", "DisabledException", "GenerateDataKey", { KeyId: name, KeySpec: "AES_256" });
await run("EnableKey", { KeyId: name });

const scheduled = await run("ScheduleKeyDeletion", { KeyId: name, PendingWindowInDays: 7 });
check("schedule", scheduled.DeletionDate instanceof Date && scheduled.KeyState === "PendingDeletion");
await fails("a key that is to be deleted", "KMSInvalidStateException", "GenerateDataKey", { KeyId: name, KeySpec: "AES_256" });
await run("CancelKeyDeletion", { KeyId: name });
const described = await run("DescribeKey", { KeyId: `arn:aws:kms:us-east-1:000000000000:key/${name}` });
check("cancel", described.KeyMetadata.KeyState === "Enabled" && described.KeyMetadata.Description === "new");

check("random", (await run("GenerateRandom", { NumberOfBytes: 16 })).Plaintext.length === 16);
await fails("a key that is not there", "NotFoundException", "DescribeKey", { KeyId: "nope" });
await fails("an operation that is not there", "UnknownOperationException", "CreateAlias", { AliasName: "alias/x", TargetKeyId: name });
process.exitCode = failed ? 1 : 0;
