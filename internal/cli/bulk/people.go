// Package bulk issues passes to many people from a file: it reads the file, keeps what came of
// each person in a result file as it happens, and goes on where an earlier run stopped. How a
// pass is issued is the caller's.
package bulk

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/postern-id/postern/internal/fault"
)

// ErrFile says that a list of people can't be read. Nothing has been issued then.
var ErrFile = &fault.Error{
	Kind: fault.Invalid, Code: "peopleFileInvalid",
	Text:   "The file of people can't be read.",
	Remedy: "It is CSV in UTF-8 with a first line of column names: user, and as needed lifetime, once, start, reason, ticket, check, purpose, device.",
}

// Columns are the names that the first line of a list may have.
var Columns = []string{"user", "lifetime", "once", "start", "reason", "ticket", "check", "purpose", "device"}

// Limits of a list.
const (
	MaxFile  = 64 << 20 // bytes
	maxField = 1024     // bytes; longer ones fail their line
)

// A Person is one line of a list. What is zero was left empty.
type Person struct {
	Line     int // in the file, from 1
	User     string
	Lifetime time.Duration
	Once     *bool
	Start    string // as the file has it; its meaning is the caller's
	Reason   string
	Ticket   string
	Check    string // how it was made sure who they are; a note follows a colon
	// Purpose is what the pass is good for and nothing else, Device the id of the device that it is for.
	Purpose, Device string
	// Problem says what is wrong with the line; empty when nothing is.
	Problem string
}

// key names a person in the same way however the case of the name is.
func key(user string) string { return strings.ToLower(strings.TrimSpace(user)) }

// ReadPeople reads a list, or returns ErrFile. A line that is wrong by itself has a Problem; a
// quote that is not closed shifts all that follows, and so refuses the whole.
func ReadPeople(r io.Reader) ([]Person, error) {
	raw, err := io.ReadAll(io.LimitReader(r, MaxFile+1))
	if err != nil {
		return nil, err
	}
	if raw, err = text(raw); err != nil {
		return nil, err
	}
	in := csv.NewReader(bytes.NewReader(raw))
	in.Comma, in.FieldsPerRecord = separator(raw), -1
	head, err := in.Read()
	if err != nil {
		return nil, notCSV(err)
	}
	columns, err := readHead(head)
	if err != nil {
		return nil, err
	}
	var all []Person
	first := map[string]int{} // the line on which a person is
	for {
		fields, err := in.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, notCSV(err)
		}
		if !slices.ContainsFunc(fields, func(f string) bool { return strings.TrimSpace(f) != "" }) {
			continue // a spreadsheet saves empty rows as separators
		}
		line, _ := in.FieldPos(0)
		p := readPerson(columns, fields, line)
		if at, twice := first[key(p.User)]; p.Problem == "" && twice {
			p.Problem = fmt.Sprintf("This person is on line %d already.", at)
		} else if p.Problem == "" {
			first[key(p.User)] = line
		}
		all = append(all, p)
	}
	if len(all) == 0 {
		return nil, ErrFile.With("", "The file lists nobody.")
	}
	return all, nil
}

// text returns raw without a byte order mark, or says why it is not text.
func text(raw []byte) ([]byte, error) {
	if len(raw) > MaxFile {
		return nil, ErrFile.With("", fmt.Sprintf("The file is larger than %d MiB.", MaxFile>>20))
	}
	if bytes.HasPrefix(raw, []byte{0xff, 0xfe}) || bytes.HasPrefix(raw, []byte{0xfe, 0xff}) {
		return nil, ErrFile.With("", "The file is in UTF-16. Save it as CSV UTF-8.")
	}
	raw = bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf"))
	for n, line := range bytes.Split(raw, []byte("\n")) {
		if !utf8.Valid(line) {
			return nil, ErrFile.With("", fmt.Sprintf("Line %d is not UTF-8. Save the file as CSV UTF-8.", n+1))
		}
		if bytes.IndexByte(line, 0) >= 0 {
			return nil, ErrFile.With("", fmt.Sprintf("Line %d has a zero byte: this is no text.", n+1))
		}
	}
	return raw, nil
}

// separator is what stands between the names of the first line; spreadsheets take the
// semicolon where the comma is in numbers.
func separator(raw []byte) rune {
	head, _, _ := bytes.Cut(raw, []byte("\n"))
	for _, r := range ";\t" {
		if bytes.ContainsRune(head, r) && !bytes.ContainsRune(head, ',') {
			return r
		}
	}
	return ','
}

func notCSV(err error) error {
	if errors.Is(err, io.EOF) {
		return ErrFile.With("", "The file is empty.")
	}
	if wrong, ok := errors.AsType[*csv.ParseError](err); ok {
		return ErrFile.With("", fmt.Sprintf("The file is not CSV: on line %d, %s.", wrong.Line, wrong.Err))
	}
	return err
}

// readHead returns the names of the columns.
func readHead(fields []string) ([]string, error) {
	var names []string
	for _, f := range fields {
		name := key(f)
		switch {
		case !slices.Contains(Columns, name):
			return nil, ErrFile.With("", fmt.Sprintf("The first line names a column %.40q.", f))
		case slices.Contains(names, name):
			return nil, ErrFile.With("", fmt.Sprintf("The first line names the column %q twice.", name))
		}
		names = append(names, name)
	}
	if !slices.Contains(names, "user") {
		return nil, ErrFile.With("", "The first line names no column user.")
	}
	return names, nil
}

func readPerson(columns, fields []string, line int) Person {
	p := Person{Line: line}
	if len(fields) != len(columns) {
		p.Problem = fmt.Sprintf("The line has %d fields, the first line %d.", len(fields), len(columns))
	}
	for i, name := range columns[:min(len(columns), len(fields))] {
		if problem := p.set(name, strings.TrimSpace(fields[i])); p.Problem == "" {
			p.Problem = problem
		}
	}
	return p
}

// set fills in one column and returns what is wrong with it, or nothing.
func (p *Person) set(name, value string) string {
	if len(value) > maxField {
		return fmt.Sprintf("The column %s has more than %d bytes.", name, maxField)
	}
	if strings.ContainsFunc(value, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return fmt.Sprintf("The column %s has a character that can't be printed.", name)
	}
	var err error
	switch name {
	case "user":
		p.User = value
		if value == "" {
			return "The line names nobody."
		}
	case "lifetime":
		p.Lifetime, err = lifetime(value)
	case "once":
		p.Once, err = yesOrNo(value)
	case "start":
		p.Start = value
	case "reason":
		p.Reason = value
	case "ticket":
		p.Ticket = value
	case "check":
		p.Check = value
	case "purpose":
		p.Purpose = value
	case "device":
		p.Device = value
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

// lifetime reads a span as 1h or 90m, or a number of minutes.
func lifetime(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	if n, err := strconv.ParseUint(text, 10, 16); err == nil && n > 0 {
		return time.Duration(n) * time.Minute, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 || d%time.Minute != 0 {
		return 0, fmt.Errorf("The lifetime %.40q must be in whole minutes, as 1h, 90m or 90.", text) //nolint:staticcheck,revive // a sentence for a person
	}
	return d, nil
}

func yesOrNo(text string) (*bool, error) {
	switch strings.ToLower(text) {
	case "":
		return nil, nil
	case "yes", "true", "1":
		return new(true), nil
	case "no", "false", "0":
		return new(false), nil
	}
	return nil, fmt.Errorf("The column once is yes or no, not %.40q.", text) //nolint:staticcheck,revive // a sentence for a person
}
