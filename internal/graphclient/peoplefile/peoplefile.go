// Package peoplefile reads files of people as personnel systems and spreadsheets write them:
// CSV with commas, semicolons or tabs, in UTF-8 or UTF-16, with a mark in front or without. It
// reads one row at a time, however large the file is.
package peoplefile

import (
	"bufio"
	"encoding/binary"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/postern-id/postern/internal/fault"
)

// ErrFile reports a file that can't be read on.
var ErrFile = &fault.Error{
	Kind: fault.Invalid, Code: "peopleFile",
	Text: "The file can't be read.", Remedy: "Save it as CSV in UTF-8, with the names of the columns in its first line.",
}

// maxCell bounds one value, in bytes; a quote that is never closed would take in the whole file.
const maxCell = 4096

// A Reader reads rows. Columns are the names in the first line.
type Reader struct {
	Columns []string
	csv     *csv.Reader
}

// Open reads the first line of r.
func Open(r io.Reader) (*Reader, error) {
	text := bufio.NewReaderSize(r, 64<<10)
	text, err := decoded(text)
	if err != nil {
		return nil, err
	}
	first, _ := text.Peek(4096) // a shorter file is an answer, too
	line, _, _ := strings.Cut(string(first), "\n")
	if len(line) < len(first) && !utf8.ValidString(line) { // nor cut in the middle of a letter
		return nil, ErrFile.With("", "The first line is not in UTF-8.")
	}
	x := &Reader{csv: csv.NewReader(text)}
	x.csv.Comma = separator(line)
	x.csv.ReuseRecord, x.csv.FieldsPerRecord = true, -1
	names, err := x.csv.Read()
	if err != nil {
		return nil, x.wrong(err)
	}
	seen := map[string]bool{}
	for _, n := range names {
		n = strings.TrimSpace(n)
		low := strings.ToLower(n)
		if n == "" || !utf8.ValidString(n) || seen[low] {
			return nil, ErrFile.With("", fmt.Sprintf("The first line has no name for a column, or %.60q twice.", n))
		}
		seen[low] = true
		x.Columns = append(x.Columns, n)
	}
	return x, nil
}

// separator is what most stands between the names in the first line.
func separator(line string) rune {
	best, most := ',', 0
	for _, c := range []rune{',', ';', '\t'} {
		if n := strings.Count(line, string(c)); n > most {
			best, most = c, n
		}
	}
	return best
}

// decoded turns UTF-16 with a mark into UTF-8, and takes the mark of UTF-8 away.
func decoded(r *bufio.Reader) (*bufio.Reader, error) {
	mark, _ := r.Peek(3)
	switch {
	case len(mark) >= 3 && string(mark) == "\xef\xbb\xbf":
		_, err := r.Discard(3)
		return r, err
	case len(mark) >= 2 && (mark[0] == 0xff && mark[1] == 0xfe || mark[0] == 0xfe && mark[1] == 0xff):
		var order binary.ByteOrder = binary.LittleEndian
		if mark[0] == 0xfe {
			order = binary.BigEndian
		}
		_, err := r.Discard(2)
		return bufio.NewReaderSize(&wide{r: r, order: order}, 64<<10), err
	}
	return r, nil
}

// wide reads UTF-16 as UTF-8.
type wide struct {
	r     io.Reader
	order binary.ByteOrder
	out   []byte
	high  uint16 // the first half of a pair
	err   error  // stays: a reader that looked ahead asks again
}

func (w *wide) Read(p []byte) (int, error) {
	for len(w.out) == 0 {
		if w.err != nil {
			return 0, w.err
		}
		var unit [2]byte
		if _, err := io.ReadFull(w.r, unit[:]); err != nil {
			if w.err = io.EOF; !errors.Is(err, io.EOF) || w.high != 0 {
				w.err = ErrFile.With("", "The file ends within a character.")
			}
			continue
		}
		u := w.order.Uint16(unit[:])
		switch {
		case w.high != 0:
			w.out = utf8.AppendRune(w.out, utf16.DecodeRune(rune(w.high), rune(u)))
			w.high = 0
		case utf16.IsSurrogate(rune(u)):
			w.high = u
		default:
			w.out = utf8.AppendRune(w.out, rune(u))
		}
	}
	n := copy(p, w.out)
	w.out = w.out[n:]
	return n, nil
}

// Next returns the next row with its line in the file, or io.EOF at the end. Lines without
// anything in them are left out.
func (x *Reader) Next() (line int, values []string, err error) {
	for {
		record, err := x.csv.Read()
		if errors.Is(err, io.EOF) {
			return 0, nil, io.EOF
		}
		if err != nil {
			return 0, nil, x.wrong(err)
		}
		line, _ = x.csv.FieldPos(0)
		if len(record) > len(x.Columns) {
			return line, nil, ErrFile.With("", fmt.Sprintf("Line %d has more values than there are columns.", line))
		}
		values, full := make([]string, len(record)), false
		for i, v := range record {
			v = strings.TrimSpace(v)
			if !utf8.ValidString(v) || strings.ContainsRune(v, utf8.RuneError) {
				return line, nil, ErrFile.With("", fmt.Sprintf("Line %d is not in UTF-8.", line))
			}
			if len(v) > maxCell {
				return line, nil, ErrFile.With("", fmt.Sprintf("Line %d has a value of more than %d bytes. Is a quote not closed?", line, maxCell))
			}
			values[i], full = v, full || v != ""
		}
		if full {
			return line, values, nil
		}
	}
}

// wrong says what is wrong with the file, without a word of what is in it.
func (x *Reader) wrong(err error) error {
	if p, ok := errors.AsType[*csv.ParseError](err); ok {
		return ErrFile.With("", fmt.Sprintf("Line %d can't be read: %v.", p.Line, p.Err))
	}
	if errors.Is(err, io.EOF) {
		return ErrFile.With("", "The file is empty.")
	}
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return f
	}
	return fmt.Errorf("read the file: %w", err)
}
