package audit

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"golang.org/x/mod/sumdb/tlog"
)

// remotePage is how many entries a page of a remote log has. A batch is no larger, so that
// the page after a checkpoint has the next one.
const remotePage = 1024

// pageHead is the first line of a page.
type pageHead struct {
	Tenant string   `json:"tenantId"`
	Size   int64    `json:"size"`
	Root   string   `json:"root"` // base64
	Epoch  int64    `json:"epoch"`
	Keys   []string `json:"keys"` // of checkpoints: Ed25519, base64
}

// WriteRemotePage writes a page of a log as JSON lines: its head with the keys that sign
// checkpoints, and the entries from position from on in the form of [WriteJSONLines].
func WriteRemotePage(ctx context.Context, src Source, tenant string, keys []ed25519.PublicKey, from int64, w io.Writer) error {
	head, err := src.Head(ctx, tenant)
	if err != nil {
		return fmt.Errorf("read the log's head: %w", err)
	}
	first := pageHead{Tenant: tenant, Size: head.Size, Root: base64.StdEncoding.EncodeToString(head.Root[:]), Epoch: head.Epoch}
	for _, k := range keys {
		first.Keys = append(first.Keys, base64.StdEncoding.EncodeToString(k))
	}
	if err := json.NewEncoder(w).Encode(first); err != nil {
		return err
	}
	if n := min(remotePage, head.Size-from); from >= 0 && n > 0 {
		return writePage(ctx, src, tenant, from, n, w)
	}
	return nil
}

// Remote is a log that another server shows page by page, as a [Source] for [Verify], which
// reads it from its first entry on. The hashes above the leaves are computed here.
type Remote struct {
	// Fetch returns the page from a position on.
	Fetch func(ctx context.Context, from int64) ([]byte, error)

	from, next  int64 // of the page at hand
	entries     []SealedEntry
	checkpoints []StoredCheckpoint
	tree        frontier // of all pages so far
	hashes      map[int64]Hash
}

// About returns whose log it is, and the keys that the server says sign its checkpoints.
func (r *Remote) About(ctx context.Context) (string, []ed25519.PublicKey, error) {
	head, _, err := r.fetch(ctx, 0)
	if err != nil {
		return "", nil, err
	}
	var keys []ed25519.PublicKey
	for _, text := range head.Keys {
		raw, err := base64.StdEncoding.DecodeString(text)
		if err != nil || len(raw) != ed25519.PublicKeySize {
			return "", nil, errRemote
		}
		keys = append(keys, raw)
	}
	return head.Tenant, keys, nil
}

var errRemote = errors.New("the server's answer is not a page of a log")

// fetch returns the head and the lines of a page.
func (r *Remote) fetch(ctx context.Context, from int64) (pageHead, []Line, error) {
	raw, err := r.Fetch(ctx, from)
	if err != nil {
		return pageHead{}, nil, err
	}
	first, rest, _ := bytes.Cut(raw, []byte("\n"))
	var head pageHead
	if err := json.Unmarshal(first, &head); err != nil || head.Tenant == "" || head.Size < 0 {
		return pageHead{}, nil, errRemote
	}
	var lines []Line
	for line, err := range ReadJSONLines(bytes.NewReader(rest)) {
		if err != nil {
			return pageHead{}, nil, err
		}
		lines = append(lines, line)
	}
	return head, lines, nil
}

// Head implements [Source].
func (r *Remote) Head(ctx context.Context, tenant string) (Head, error) {
	head, _, err := r.fetch(ctx, -1)
	if err != nil {
		return Head{}, err
	}
	root, err := base64.StdEncoding.DecodeString(head.Root)
	if err != nil || len(root) != len(Hash{}) || head.Tenant != tenant {
		return Head{}, errRemote
	}
	return Head{Tenant: tenant, Size: head.Size, Root: Hash(root), Epoch: head.Epoch}, nil
}

// load reads the page from a position on, unless it is at hand.
func (r *Remote) load(ctx context.Context, from int64) error {
	if r.from <= from && from < r.next {
		return nil
	}
	_, lines, err := r.fetch(ctx, from)
	if err != nil {
		return err
	}
	r.from, r.next, r.entries, r.checkpoints = from, from, nil, nil
	if r.hashes == nil {
		r.hashes = map[int64]Hash{}
	}
	for index := range r.hashes { // Verify looks back a page at most
		if index < tlog.StoredHashCount(max(0, from-2*remotePage)) {
			delete(r.hashes, index)
		}
	}
	for _, line := range lines {
		if line.Checkpoint != nil {
			r.checkpoints = append(r.checkpoints, StoredCheckpoint{Size: r.next, Note: line.Checkpoint})
			continue
		}
		if line.Position != r.next {
			return errRemote
		}
		r.next++
		if line.Entry != nil {
			r.entries = append(r.entries, SealedEntry{Position: line.Position, Entry: *line.Entry})
		}
		if line.Position != r.tree.size {
			continue // read before
		}
		index := tlog.StoredHashCount(line.Position)
		for i, h := range r.tree.add(line.Leaf) {
			r.hashes[index+int64(i)] = h
		}
	}
	return nil
}

// Sealed implements [Source].
func (r *Remote) Sealed(ctx context.Context, _ string, from int64, limit int) ([]SealedEntry, error) {
	var all []SealedEntry
	for at := from; at < from+int64(limit); at = r.next {
		if err := r.load(ctx, at); err != nil {
			return nil, err
		}
		if at == r.next { // the end of the log
			break
		}
		for _, e := range r.entries {
			if e.Position >= at && e.Position < from+int64(limit) {
				all = append(all, e)
			}
		}
	}
	return all, nil
}

// Checkpoints implements [Source]: those on the first page after a position that has any.
func (r *Remote) Checkpoints(ctx context.Context, _ string, after int64, limit int) ([]StoredCheckpoint, error) {
	for at := after; ; at = r.next {
		if err := r.load(ctx, at); err != nil {
			return nil, err
		}
		all := slices.DeleteFunc(slices.Clone(r.checkpoints), func(c StoredCheckpoint) bool { return c.Size <= after })
		if len(all) > 0 || at == r.next {
			return all[:min(limit, len(all))], nil
		}
	}
}

// Hashes implements [Hashes] for entries that were just read.
func (r *Remote) Hashes(_ context.Context, _ string, indexes []int64) ([]Hash, error) {
	all := make([]Hash, len(indexes))
	for i, index := range indexes {
		all[i] = r.hashes[index]
	}
	return all, nil
}
