// Verifies the delivery that a file has, as a receiver would; prints what came of it.
//
// `npm`: the library standardwebhooks. `v1`, `v1a`: nothing but what Node itself has, written after
// the specification, so that no library of ours or of theirs is in both ends.
import { createHmac, createPublicKey, timingSafeEqual, verify } from "node:crypto";
import { readFileSync } from "node:fs";
import { Webhook, WebhookVerificationError } from "standardwebhooks";

const TOLERATED_SECONDS = 300;
const SPKI_OF_ED25519 = Buffer.from("302a300506032b6570032100", "hex");

const { how, key, headers, body } = JSON.parse(readFileSync(process.argv[2], "utf8"));
const raw = Buffer.from(body, "base64");

function isFresh() {
  const apart = Date.now() / 1000 - Number(headers["webhook-timestamp"]);
  return Math.abs(apart) <= TOLERATED_SECONDS;
}

function isSignedBy(version, isGood) {
  const head = `${headers["webhook-id"]}.${headers["webhook-timestamp"]}.`;
  const signed = Buffer.concat([Buffer.from(head), raw]);
  return headers["webhook-signature"]
    .split(" ")
    .map((each) => each.split(","))
    .some(([kind, given]) => kind === version && isGood(signed, Buffer.from(given, "base64")));
}

const ways = {
  npm() {
    new Webhook(key).verify(raw, headers);
    return true;
  },
  v1() {
    const secret = Buffer.from(key.slice("whsec_".length), "base64");
    const isGood = (signed, given) => {
      const ours = createHmac("sha256", secret).update(signed).digest();
      return given.length === ours.length && timingSafeEqual(ours, given);
    };
    return isFresh() && isSignedBy("v1", isGood);
  },
  v1a() {
    const point = Buffer.from(key.slice("whpk_".length), "base64");
    const spki = Buffer.concat([SPKI_OF_ED25519, point]);
    const known = createPublicKey({ key: spki, format: "der", type: "spki" });
    return isFresh() && isSignedBy("v1a", (signed, given) => verify(null, signed, known, given));
  },
};

function verdict() {
  try {
    return ways[how]() ? "accepted" : "refused";
  } catch (error) {
    if (error instanceof WebhookVerificationError) return "refused";
    throw error;
  }
}

console.log(verdict());
