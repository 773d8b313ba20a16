package audit

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// Line is one line of an export: an entry, the hash of a pruned entry, or a checkpoint.
type Line struct {
	Position int64
	Leaf     Hash   // as stored in the tree; zero on a checkpoint's line
	Entry    *Entry // nil when it was pruned, and on a checkpoint's line
	// Checkpoint is the signed note that covers all lines before this one.
	Checkpoint []byte
}

// wireLine is Line as it is written. Body and Personal stand in it byte for byte.
type wireLine struct {
	Position   *int64          `json:"position,omitempty"`
	Leaf       string          `json:"leafHash,omitempty"`
	Tenant     string          `json:"tenantId,omitempty"`
	ID         string          `json:"id,omitempty"`
	Kind       Kind            `json:"kind,omitempty"`
	At         string          `json:"at,omitempty"`
	Body       json.RawMessage `json:"body,omitempty"`
	Personal   json.RawMessage `json:"personal,omitempty"`
	Checkpoint string          `json:"checkpoint,omitempty"`
}

const microseconds = "2006-01-02T15:04:05.000000Z"

// WriteJSONLines writes the sealed entries of tenant from position from on, each on a line in
// the form of docs/log-format.md, with the stored checkpoints among them. It returns the
// position after the last one. Memory does not grow with the log. What it writes is not
// checked; [ReadJSONLines] and [Verify] do that.
func WriteJSONLines(ctx context.Context, src Source, tenant string, from int64, w io.Writer) (int64, error) {
	head, err := src.Head(ctx, tenant)
	if err != nil {
		return from, fmt.Errorf("read the log's head: %w", err)
	}
	out := bufio.NewWriter(w)
	at := from
	for at < head.Size {
		n := min(pageSize, head.Size-at)
		if err := writePage(ctx, src, tenant, at, n, out); err != nil {
			return at, err
		}
		at += n
	}
	if err := out.Flush(); err != nil {
		return from, fmt.Errorf("write the export: %w", err)
	}
	return at, nil
}

// writePage writes the n entries from at on, and the checkpoints that end among them.
func writePage(ctx context.Context, src Source, tenant string, at, n int64, w io.Writer) error {
	entries, err := src.Sealed(ctx, tenant, at, int(n))
	if err != nil {
		return fmt.Errorf("read entries from %d: %w", at, err)
	}
	checkpoints, err := src.Checkpoints(ctx, tenant, at, int(n))
	if err != nil {
		return fmt.Errorf("read checkpoints after %d: %w", at, err)
	}
	indexes := make([]int64, n)
	for i := range indexes {
		indexes[i] = tlog.StoredHashIndex(0, at+int64(i))
	}
	leaves, err := readHashes(ctx, src, tenant, indexes)
	if err != nil {
		return err
	}
	for i, leaf := range leaves {
		p := at + int64(i)
		line := wireLine{Position: &p, Leaf: base64.StdEncoding.EncodeToString(leaf[:])}
		if len(entries) > 0 && entries[0].Position == p {
			e := entries[0].Entry
			entries = entries[1:]
			line.Tenant, line.ID, line.Kind = e.Tenant, e.ID, e.Kind
			line.At, line.Body, line.Personal = e.At.UTC().Format(microseconds), raw(e.Body), raw(e.Personal)
		}
		if err := writeLine(w, line); err != nil {
			return err
		}
		if len(checkpoints) > 0 && checkpoints[0].Size == p+1 {
			if err := writeLine(w, wireLine{Checkpoint: string(checkpoints[0].Note)}); err != nil {
				return err
			}
			checkpoints = checkpoints[1:]
		}
	}
	return nil
}

// raw returns b as it is to stand on a line. What is not JSON as it was written, because
// somebody changed it, becomes a string, so that one bad entry does not stop an export.
func raw(b []byte) json.RawMessage {
	var compact bytes.Buffer
	if len(b) == 0 || json.Compact(&compact, b) == nil && bytes.Equal(compact.Bytes(), b) {
		return b
	}
	text, _ := encode(string(b)) // a string always has a form in JSON
	return text
}

func writeLine(w io.Writer, line wireLine) error {
	b, err := encode(line)
	if err != nil {
		return fmt.Errorf("write the export: %w", err)
	}
	if _, err := w.Write(append(b, '\n')); err != nil {
		return fmt.Errorf("write the export: %w", err)
	}
	return nil
}

// ReadJSONLines returns the lines of an export. An entry that does not match its leaf hash
// ends it with [ErrTampered], anything else that is wrong with another error; signatures, the
// tree and personal values are not checked ([OpenCheckpoint], [Open]).
func ReadJSONLines(r io.Reader) iter.Seq2[Line, error] {
	return func(yield func(Line, error) bool) {
		dec := json.NewDecoder(r)
		for n := 1; ; n++ {
			var wire wireLine
			err := dec.Decode(&wire)
			if errors.Is(err, io.EOF) {
				return
			}
			line := Line{}
			if err == nil {
				line, err = wire.line()
			}
			if err != nil {
				yield(Line{}, fmt.Errorf("line %d of the export: %w", n, err))
				return
			}
			if !yield(line, nil) {
				return
			}
		}
	}
}

// line returns what w says.
func (w wireLine) line() (Line, error) {
	if w.Checkpoint != "" {
		return Line{Checkpoint: []byte(w.Checkpoint)}, nil
	}
	leaf, err := base64.StdEncoding.DecodeString(w.Leaf)
	if w.Position == nil || err != nil || len(leaf) != len(Hash{}) {
		return Line{}, errors.New("neither an entry nor a checkpoint")
	}
	line := Line{Position: *w.Position, Leaf: Hash(leaf)}
	if w.Body == nil {
		return line, nil
	}
	at, err := time.Parse(microseconds, w.At)
	if err != nil {
		return Line{}, errors.New("the time is not in the form of an export")
	}
	line.Entry = &Entry{
		Tenant: w.Tenant, ID: w.ID, At: at, Kind: w.Kind,
		Body: bytes.Clone(w.Body), Personal: bytes.Clone(w.Personal),
	}
	if line.Entry.Leaf() != line.Leaf {
		return Line{}, fmt.Errorf("entry %s does not match its hash: %w", w.ID, ErrTampered)
	}
	return line, nil
}
