/**
 * What calls accept of the values given to them. A text in a variable, whose type is `string`, is accepted where one of
 * several texts is wanted, and checked when the call is made; a text that is written down must be one of them.
 *
 * Calls whose parameters depend on a model `M` take them as `P`, whose bound is what editors propose, and check them as
 * `Q`, which is `P` and has no bound: with one, the compiler would check the parameters of all models for each call.
 */
import type { CopiedModel, SynapseModelName } from "./kernel-types.js";
import type { NodeParams, SynapseParams } from "./models.generated.js";
import type { RandomParameter } from "./random.js";
import type { Matrix, NumberList } from "./types.js";

/** Any text, with those of `T` as proposals. */
type Text<T> = T | (string & {});

/** `T`, from which nothing is inferred; of `NoInfer`, TypeScript 5.4 does not look for names that are not known. */
export type Uninferred<T> = [T][T extends unknown ? 0 : never];

/** A name: what is written down must be one of `A`; a variable's, whose type is `string`, may be any. */
export type OneOf<G, A> = G extends A ? G : string extends G ? G : A;

/** A name or several, each one of `A`; one alone none of `Not`. Those in variables may be any. */
export type AcceptedNames<G, A, Not = never> = G extends readonly unknown[]
  ? { readonly [I in keyof G]: OneOf<G[I], A> }
  : OneOf<G, Exclude<A, Not>>;

/** The text of a variable, whose type is `string`; nothing that is written down. */
export type AnyText<G> = string extends G ? G : never;

/** A name of a model of `A`, built-in or copied; any in a variable. */
export type ModelName<G, A extends NodeModel | SynapseModelName> = OneOf<G, A | CopiedModel<A>>;

/** The built-in model that a name of a model of `A` stands for: one of all where the name is any text. */
export type ModelOf<G, A extends NodeModel | SynapseModelName> = string extends G
  ? A
  : G extends CopiedModel<infer M>
    ? Extract<M, A>
    : Extract<G, A>;

/** The values of a name in a union of dictionaries; those of all names where it is any text. */
export type ValueNamed<W, N> = W extends unknown
  ? W[string extends N ? keyof W : Extract<N, keyof W>]
  : never;

/** As `V`, with any text where it has one of several. */
type LooseValue<V> = V extends string
  ? Text<V>
  : V extends readonly (infer E)[]
    ? [E] extends [string]
      ? readonly Text<E>[]
      : V
    : V;

/** As `P`, with any text where it has one of several. */
export type Loose<P> = P extends unknown
  ? {
      readonly [K in keyof P]?: (K extends "optimizer" ? LooseOptimizer<P[K]> : LooseValue<P[K]>) | undefined;
    }
  : never;

type LooseOptimizer<V> = V extends string
  ? Text<V>
  : V extends object
    ? { readonly [K in keyof V]?: LooseValue<V[K]> | undefined }
    : V;

/** The keys of all members of a union, and the values that they have there. */
export type Keys<W> = W extends unknown ? string & keyof W : never;
type ValueOf<W, K> = W extends unknown ? (K extends keyof W ? W[K] : never) : never;

/** `G` where it is accepted for `W`; else what is wanted, so that the compiler says so. */
type AcceptedValue<G, W> = G extends W
  ? G
  : string extends G
    ? [Extract<W, string>] extends [never]
      ? W
      : G
    : G extends readonly (infer E)[]
      ? string extends E
        ? [Extract<W, readonly string[]>] extends [never]
          ? W
          : G
        : W
      : W;

/** The values of `G` where `W` has such names and values. */
export type Accepted<G, W> = {
  // Of a dictionary whose keys are any text, only the call itself can say which it has.
  [K in keyof G]: string extends K
    ? G[K]
    : K extends Keys<W>
      ? K extends "optimizer"
        ? G[K] extends object
          ? Accepted<G[K], Extract<ValueOf<W, K>, object>>
          : AcceptedValue<G[K], ValueOf<W, K>>
        : AcceptedValue<G[K], ValueOf<W, K>>
      : never;
};

/** Name of a node model. */
type NodeModel = keyof NodeParams;

/** Whether so many nodes are one; `boolean` where their number is not known. Parameters in place of it are those of one. */
export type IsOne<C> = C extends number ? (number extends C ? boolean : C extends 1 ? true : false) : true;

/** Parameters of one node. */
export type OneNode<M extends NodeModel> = NodeParams<number | RandomParameter, number>[M];

/** Parameters of one node where several would have lists: a list has one number. */
export type OneOfSeveral<M extends NodeModel> = NodeParams<
  number | RandomParameter | readonly [number],
  number | readonly [number]
>[M];

/**
 * What parameters of nodes may look like: a dictionary for all, or one for each. Any object passes, so that what is
 * checked is always what is given.
 */
export type GivenParams<M extends NodeModel> = Loose<NodeParams[M]> | readonly Loose<OneNode<M>>[] | object;

/** Parameters of nodes, checked: of a node's own dictionary, no list gives one value to each. */
export type CheckedParams<P, M extends NodeModel> = P extends readonly unknown[]
  ? { readonly [I in keyof P]: P[I] extends object ? Accepted<P[I], OneNode<M>> : OneNode<M> }
  : Accepted<P, NodeParams[M]>;

/** Parameters of all models as defaults: single values. */
interface Defaults extends NodeParams<number, number>, SynapseParams {}

/** Defaults of a model: single values. */
export type DefaultsOf<M extends keyof Defaults> = Defaults[M];

/** Name of a connection rule that needs nothing more. */
export type ConnectionRuleName = "all_to_all" | "one_to_one";

/** A rule that needs nothing more. */
interface PlainRule {
  rule?: ConnectionRuleName;
  allow_autapses?: boolean;
  allow_multapses?: boolean;
  /** Connects each target with its source, too; of `one_to_one` only. */
  make_symmetric?: boolean;
}

/** A rule by its name, and what else it needs. */
type RuleWith<N extends string, P> = Omit<PlainRule, "rule"> & { rule: N } & P;

/** How nodes are connected. */
export type ConnectionRule =
  | PlainRule
  | RuleWith<"pairwise_bernoulli", { p: number | RandomParameter }>
  | RuleWith<"pairwise_poisson", { pairwise_avg_num_conns: number | RandomParameter }>
  | RuleWith<"fixed_indegree", { indegree: number | RandomParameter }>
  | RuleWith<"fixed_outdegree", { outdegree: number | RandomParameter }>
  | RuleWith<"fixed_total_number", { N: number }>;

/** What a rule may look like. */
export type GivenRule = Text<ConnectionRuleName> | Loose<ConnectionRule>;

/** A rule, checked. */
export type CheckedRule<R> = R extends string
  ? AcceptedValue<R, ConnectionRuleName>
  : R extends { readonly rule: infer N extends string }
    ? string extends N
      ? Accepted<R, ConnectionRule>
      : Accepted<R, RuleNamed<N>> & Pick<RuleNamed<N>, Exclude<keyof RuleNamed<N>, keyof PlainRule>>
    : Accepted<R, PlainRule>;

/** The rule of a name; any, where there is none of that name. */
type RuleNamed<N> = N extends ConnectionRuleName
  ? PlainRule
  : [Extract<ConnectionRule, { rule: N }>] extends [never]
    ? ConnectionRule
    : Extract<ConnectionRule, { rule: N }>;

/** What the synapses of a `Connect` call are. */
export interface SynapseSpec<W = number | NumberList | Matrix | RandomParameter> {
  /** Name of the synapse model, built-in or copied. */
  synapse_model?: SynapseModelName | CopiedModel<SynapseModelName>;
  /**
   * A number, a distribution to draw from, one number per connection (`one_to_one`, pairs), or a matrix: rows per target
   * and columns per source (`all_to_all`), or per connection of a target or source (`fixed_indegree`, `fixed_outdegree`).
   */
  weight?: W;
  /** Delay (ms), as `weight`; drawn delays are rounded to steps. */
  delay?: W;
  /** Receptor that is reached, as `weight`. */
  receptor_type?: W;
  /** Time constant of the eligibility trace's filter (ms). */
  tau_m_readout?: number;
}

/** What synapses may look like. */
export type GivenSynapse = Text<SynapseModelName> | CopiedModel<SynapseModelName> | Loose<SynapseSpec>;

/** Synapses, checked: `all_to_all` takes no list, `one_to_one` no matrix. */
export type CheckedSynapse<S, R> = S extends string
  ? AcceptedValue<S, SynapseModelName | CopiedModel<SynapseModelName>>
  : SynapseSpec extends S
    ? S
    : Accepted<S, SynapseOf<NameOfRule<R>>>;

type NameOfRule<R> = R extends string ? R : R extends { readonly rule: infer N } ? N : "all_to_all";

type SynapseOf<N> = string extends N
  ? SynapseSpec
  : N extends "all_to_all"
    ? SynapseSpec<number | Matrix | RandomParameter>
    : N extends "one_to_one"
      ? SynapseSpec<number | NumberList | RandomParameter>
      : SynapseSpec;
