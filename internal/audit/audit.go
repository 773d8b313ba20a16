// Package audit owns the sign-in log and the audit log: what an event says, the form in
// which it is kept, and the tree that shows tampering.
//
// An [Event] is committed as an [Entry] in the same transaction as what it reports. Later a
// [Sealer] gives entries their order and adds them to one RFC 6962 Merkle tree a tenant,
// whose head it signs as a checkpoint; a [Witness] keeps checkpoints elsewhere. [Verify]
// walks a log and names the first bad entry.
//
//	Event ── Seal ──▶ Entry, committed ── Sealer ──▶ position, hashes, checkpoint ──▶ Witness
//	  ▲                 │                                      │
//	  └───── Open ──────┘                                   Verify
//
// Names of activities and fields follow Microsoft Graph's directoryAudit and signIn;
// docs/log-format.md has the bytes. Entries are kept by package store through [SealStore] and
// [Source]; package audittest tests what they promise.
package audit

import "errors"

// ErrTampered reports that an entry, a hash or a checkpoint is not what was sealed.
var ErrTampered = errors.New("the log was changed")
