import { setTimeout as sleep } from "node:timers/promises";
import { nestError } from "../core/errors.js";
import { type Claim, Claims, type Holder } from "../files/claims.js";
import { cannotWrite } from "../files/file-errors.js";

/** What the claim on a run folder is called in it. */
const name = ".claim";

/** Whether a file of a folder is a claim on it. */
export function isClaimFile(file: string): boolean {
  return file.startsWith(`${name}.`);
}

/** The option that named a folder. */
type Parameter = "out" | "resume";

const holderText = (holder: Holder | undefined) =>
  holder === undefined ? "another process" : `process ${holder.pid} on ${holder.host}`;

function refuse(folder: string, holder: Holder | undefined, parameter: Parameter): never {
  throw nestError({
    code: "ValueError",
    message: `${holderText(holder)} is writing the run folder ${folder}`,
    parameter,
    bound: "a folder that nobody writes",
  });
}

function taken(claims: Claims): Claim | undefined {
  const claim = claims.take(name);
  return (
    claim && {
      release() {
        claim.release();
        claims.close();
      },
    }
  );
}

function claimsOf(folder: string, parameter: Parameter): Claims {
  try {
    return new Claims(folder);
  } catch (error) {
    throw cannotWrite(folder, error, parameter, "a folder that can be made", `the run folder ${folder}`);
  }
}

/**
 * Claims a run folder, which exists, for as long as it is written.
 *
 * @throws {@link NESTError} that says who else is writing it.
 */
export function claimRunFolder(folder: string, parameter: Parameter): Claim {
  const claims = claimsOf(folder, parameter);
  return taken(claims) ?? refuse(folder, claims.holder(name), parameter);
}

/** How often one looks whether somebody on another machine is still at work (ms). */
const pause = 500;

/**
 * As {@link claimRunFolder}, for the folder of a run that goes on. Where a process of another machine has it, that may
 * have been killed, as a job that is started again elsewhere; then it takes a minute until that is known.
 *
 * @param onWait Told who has it.
 */
export async function claimInterruptedRun(folder: string, onWait: (holder: string) => void): Promise<Claim> {
  const claims = claimsOf(folder, "resume");
  let seen: number | undefined;
  for (;;) {
    const claim = taken(claims);
    if (claim !== undefined) return claim;
    const holder = claims.holder(name);
    const renewed = claims.renewedAt(name);
    // A holder that has gone since is no holder: it is tried again.
    if (holder !== undefined) {
      if (claims.isHere(holder)) refuse(folder, holder, "resume");
      if (seen !== undefined && renewed !== seen) refuse(folder, holder, "resume");
      if (seen === undefined) onWait(holderText(holder));
      seen = renewed;
    }
    await sleep(pause);
  }
}
