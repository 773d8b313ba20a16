package server

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/postern-id/postern/internal/fault"
)

// ErrMoved keeps a store that was migrated from going on beside its successor.
var ErrMoved = &fault.Error{
	Kind: fault.Unavailable, Code: "storeMoved", Target: "data",
	Text:   "The data of this directory was migrated to PostgreSQL.",
	Remedy: "Start with --database. Remove the file moved-to-postgres only to go back to the old data.",
}

// movedFile says in a data directory that its SQLite store was migrated, and when.
const movedFile = "moved-to-postgres"

// checkMoved refuses an SQLite store that was migrated.
func checkMoved(o Options) error {
	if o.Database != "" {
		return nil
	}
	when, err := os.ReadFile(filepath.Join(o.Dir, movedFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return ErrMoved.With("", fmt.Sprintf("The data of this directory was migrated to PostgreSQL on %s.", strings.TrimSpace(string(when))))
}
