// Package recovery is about people who can't get in. It has two halves.
//
// [Readiness] says how somebody gets back in when something fails: which of their methods still
// work, since when and until when, and what would close a gap. docs/readiness.md has the picture.
//
// A [Case] is one person's recovery: who asked, what was lost, what showed who they are, who
// approved, which pass was issued and what was registered with it. docs/recovery.md has the rules.
//
//	open ──▶ proven ──▶ approved ──▶ passIssued ──▶ used ──▶ closed
//	  │         │           │             │           │         │
//	  └─────────┴─────┬─────┘             ├───────────┴────┬────┘ within the dispute window
//	                  ▼                   ▼                ▼
//	       cancelled, refused,    cancelled, expired    disputed ──▶ released ──▶ (as before)
//	       expired                                         │
//	                                                       └──▶ reverted
//
// proven is reached by [Proof]s, whose level is [Ladder]'s; what a level is good for, and how many
// people have to approve, says the [Policy]. Proofs and approvals age, so that a case may fall back.
// A case that is over never lives again; disputed ones stand still until somebody decides.
//
// The rules are pure: they take facts and a time. What they need from outside are [Cases] and
// [People], and passes from package tap. [Service] puts them together.
package recovery
