// Package backup owns the form in which a whole store leaves its database: the file of
// `postern backup`, the check that nothing of it was lost or changed, and what a restore has
// to remove again after it (removal.go). It knows no SQL; package store produces the rows and
// takes them back.
//
// A file is age (https://age-encryption.org/v1) around gzip around lines of JSON:
//
//	{"format":"postern-backup","version":1,…}              the header
//	{"table":"tap","columns":[["tenant_id","text"],…]}     begins a table
//	["…",1,true]                                           a row, in the order of the columns
//	{"end":true,"rows":…,"sha256":"…","seal":"…"}          the hash of all bytes before this line
//
// The seal is that hash under the master key, so that who knows only a recipient's public key
// can't make a backup that is taken for ours. Writing and reading hold one row at a time.
package backup

import (
	"time"

	"github.com/postern-id/postern/internal/fault"
)

// Version is the version of the form that this program writes. It reads this one only.
const Version = 1

const format = "postern-backup"

// Header is what a file says of itself before its rows.
type Header struct {
	Format    string    `json:"format"`
	Version   int       `json:"version"`
	ID        string    `json:"id"`        // random, of this file
	Release   int       `json:"release"`   // of the schema
	CreatedAt time.Time `json:"createdAt"` // UTC: just before the snapshot
	KeyCheck  string    `json:"keyCheck"`  // ID under the master key
	MasterKey string    `json:"masterKey,omitempty"`
	// LocalCA is the server's own CA, certificate and key in PEM, under the master key.
	LocalCA string `json:"localCa,omitempty"`
}

// A Kind is the type of a column.
type Kind string

// The kinds that a schema may use, with what holds their values.
const (
	Text    Kind = "text"    // string
	Integer Kind = "integer" // int64
	Boolean Kind = "boolean" // bool
)

// A Table is the head of some rows.
type Table struct {
	Name    string
	Columns []Column
}

// A Column of a Table.
type Column struct {
	Name string
	Kind Kind
}

// A Sink takes the content of a store, table by table.
type Sink interface {
	// Begin begins a table; the one before is complete.
	Begin(t Table) error
	// Row takes a row of that table. It does not keep values.
	Row(values []any) error
}

// Wrapper seals small secrets under the master key; see keyring.Wrapper.
type Wrapper interface {
	Wrap(secret []byte, context ...string) (string, error)
	Unwrap(sealed string, context ...string) ([]byte, error)
}

// Faults of backups.
var (
	ErrNotBackup = &fault.Error{
		Kind: fault.Invalid, Code: "backupUnknown",
		Text: "This file is not a backup of Postern.", Remedy: "Name a file that `postern backup` wrote.",
	}
	ErrKey = &fault.Error{
		Kind: fault.Invalid, Code: "backupKeyWrong",
		Text: "This key does not open the backup.", Remedy: "Give the identity or passphrase that the backup was made for.",
	}
	ErrDamaged = &fault.Error{
		Kind: fault.Invalid, Code: "backupDamaged",
		Text: "The backup is cut off or was changed.", Remedy: "Use another copy of it, or an older backup.",
	}
	ErrNewer = &fault.Error{
		Kind: fault.Unsupported, Code: "backupNewer",
		Text: "The backup was made by a newer release of Postern.", Remedy: "Restore it with that release.",
	}
	ErrOpenTo = &fault.Error{
		Kind: fault.Invalid, Code: "backupRecipient",
		Text:   "A backup is always encrypted, and this is nothing to encrypt it for.",
		Remedy: "Give --recipient with a public key of age, or --passphrase-file.",
	}
	ErrExists = &fault.Error{
		Kind: fault.Conflict, Code: "backupExists",
		Text: "The file is there already.", Remedy: "Choose another name; a backup is not written over.",
	}
	ErrIdentity = &fault.Error{
		Kind: fault.Invalid, Code: "backupIdentity",
		Text: "There is no key in this file.", Remedy: "Give a file that age-keygen made, or a passphrase of 12 characters or more.",
	}
)
