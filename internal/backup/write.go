package backup

import (
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"

	"filippo.io/age"
)

// A Writer writes one file. It is a [Sink]; Close completes the file.
type Writer struct {
	header  Header
	wrapper Wrapper
	sealed  io.WriteCloser // age
	packed  *gzip.Writer
	sum     hash.Hash
	rows    int64
	buf     []byte
}

// last is the last line of a file.
type last struct {
	End  bool   `json:"end"`
	Rows int64  `json:"rows"`
	Hash string `json:"sha256"`
	Seal string `json:"seal"` // the hash under the master key
}

// head is the line that begins a table.
type head struct {
	Table   string      `json:"table"`
	Columns [][2]string `json:"columns"`
}

// NewWriter begins a file in w, encrypted for to, whose header is h; format, version and key
// check are filled in.
func NewWriter(w io.Writer, to []age.Recipient, h Header, wrapper Wrapper) (*Writer, error) {
	if len(to) == 0 {
		return nil, ErrOpenTo
	}
	h.Format, h.Version = format, Version
	var err error
	if h.KeyCheck, err = wrapper.Wrap([]byte(h.ID), headerPlace(h.ID)...); err != nil {
		return nil, err
	}
	out := &Writer{header: h, wrapper: wrapper, sum: sha256.New()}
	if out.sealed, err = age.Encrypt(w, to...); err != nil {
		return nil, fmt.Errorf("encrypt the backup: %w", err)
	}
	out.packed = gzip.NewWriter(out.sealed)
	if err := out.line(h); err != nil {
		return nil, err
	}
	return out, nil
}

// headerPlace and endPlace are what the two values under the master key are sealed for.
func headerPlace(id string) []string { return []string{format, "header", id} }
func endPlace(id string) []string    { return []string{format, "end", id} }

func (w *Writer) line(v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return w.write(append(text, '\n'))
}

func (w *Writer) write(text []byte) error {
	w.sum.Write(text)
	if _, err := w.packed.Write(text); err != nil {
		return fmt.Errorf("write the backup: %w", err)
	}
	return nil
}

// Begin implements [Sink].
func (w *Writer) Begin(t Table) error {
	h := head{Table: t.Name}
	for _, c := range t.Columns {
		h.Columns = append(h.Columns, [2]string{c.Name, string(c.Kind)})
	}
	return w.line(h)
}

// Row implements [Sink].
func (w *Writer) Row(values []any) (err error) {
	if w.buf, err = appendRow(w.buf[:0], values); err != nil {
		return err
	}
	w.rows++
	return w.write(w.buf)
}

// Close writes the end, without which no reader takes the file. It does not close what
// NewWriter was given.
func (w *Writer) Close() error {
	sum := w.sum.Sum(nil)
	seal, err := w.wrapper.Wrap(sum, endPlace(w.header.ID)...)
	if err != nil {
		return err
	}
	if err := w.line(last{End: true, Rows: w.rows, Hash: hex.EncodeToString(sum), Seal: seal}); err != nil {
		return err
	}
	if err := w.packed.Close(); err != nil {
		return fmt.Errorf("write the backup: %w", err)
	}
	if err := w.sealed.Close(); err != nil {
		return fmt.Errorf("write the backup: %w", err)
	}
	return nil
}
