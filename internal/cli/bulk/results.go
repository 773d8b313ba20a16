package bulk

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/gofrs/flock"

	"github.com/postern-id/postern/internal/cli/ownfile"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/graphclient"
)

// ErrResults says that the result file can't be used.
var ErrResults = &fault.Error{
	Kind: fault.Conflict, Code: "resultFileUnusable",
	Text: "The result file can't be used.", Remedy: "Name another one with --results.",
}

// ErrRunning says that another command is writing the result file.
var ErrRunning = &fault.Error{
	Kind: fault.Conflict, Code: "resultFileBusy",
	Text: "Another command is writing this result file.", Remedy: "Wait for it, or name another one with --results.",
}

// What came of a person.
const (
	Started  = "started"  // a pass may have been issued, and its characters are lost
	Issued   = "issued"   // for the first time
	Reissued = "reissued" // after a pass whose characters were lost; that one does not work any more
	Failed   = "failed"   // nothing was issued
)

// An Outcome is one line of a result file.
type Outcome struct {
	Line    int // in the list of people
	User    string
	Result  string
	Pass    graphclient.Secret // empty unless one was issued
	From    time.Time
	Until   time.Time
	Once    bool
	Message string // what went wrong
	At      time.Time
}

// Done reports whether the person has a pass whose characters are known.
func (o Outcome) Done() bool { return o.Result == Issued || o.Result == Reissued }

var resultHead = []string{"line", "user", "result", "pass", "from", "until", "once", "message", "at"}

// Results is a result file that one command writes. Each line is on the disk before Add
// returns, so that no pass is handed out whose characters a crash could lose without a trace.
type Results struct {
	path string
	lock *flock.Flock

	mu   sync.Mutex
	file *os.File
	last map[string]Outcome // by key
}

// OpenResults makes a result file, or goes on with one. It refuses one that others can read,
// that is something else, or that another command is writing.
func OpenResults(path string) (*Results, error) {
	lock, err := alone(path + ".lock")
	if err != nil {
		return nil, err
	}
	r := &Results{path: path, lock: lock, last: map[string]Outcome{}}
	if err := r.open(); err != nil {
		return nil, errors.Join(err, r.unlock())
	}
	return r, nil
}

// alone takes the lock at path, which may be removed by the one who has it.
func alone(path string) (*flock.Flock, error) {
	for {
		lock := flock.New(path, flock.SetPermissions(0o600))
		ok, err := lock.TryLock()
		if err != nil {
			return nil, err
		}
		if !ok {
			return nil, ErrRunning
		}
		if held, err := lock.Stat(); err == nil {
			if there, err := os.Lstat(path); err == nil && os.SameFile(held, there) {
				return lock, nil
			}
		}
		if err := lock.Close(); err != nil { // it was removed meanwhile
			return nil, err
		}
	}
}

func (r *Results) unlock() error {
	return errors.Join(os.Remove(r.lock.Path()), r.lock.Close())
}

func (r *Results) open() error {
	raw, err := ownfile.Read(r.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return r.create()
	case errors.Is(err, ownfile.ErrOpen):
		return ErrResults.With("", fmt.Sprintf("%s is open to other people of this machine, or is no plain file. Passes must not go there.", r.path))
	case err != nil:
		return err
	}
	// A line that a crash cut off has no end. It was not acknowledged.
	whole := raw[:bytes.LastIndexByte(raw, '\n')+1]
	if err := r.read(whole); err != nil {
		return err
	}
	if r.file, err = os.OpenFile(r.path, os.O_RDWR, 0); err != nil {
		return err
	}
	if err := r.file.Truncate(int64(len(whole))); err != nil {
		return errors.Join(err, r.file.Close())
	}
	if _, err := r.file.Seek(0, 2); err != nil {
		return errors.Join(err, r.file.Close())
	}
	if len(whole) == 0 {
		return r.append(resultHead)
	}
	return nil
}

func (r *Results) create() error {
	var err error
	if r.file, err = os.OpenFile(r.path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600); err != nil {
		return err
	}
	if err := r.append(resultHead); err != nil {
		return err
	}
	return ownfile.SyncFolder(filepath.Dir(r.path))
}

// read learns what an earlier run did.
func (r *Results) read(raw []byte) error {
	if len(raw) == 0 {
		return nil
	}
	lines, err := csv.NewReader(bytes.NewReader(raw)).ReadAll()
	if err != nil || !slices.Equal(lines[0], resultHead) {
		return ErrResults.With("", fmt.Sprintf("%s is there and is no result file.", r.path))
	}
	for _, fields := range lines[1:] {
		o := decodeOutcome(fields)
		r.last[key(o.User)] = o
	}
	return nil
}

// Last returns what came of a person so far.
func (r *Results) Last(user string) (Outcome, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	o, ok := r.last[key(user)]
	return o, ok
}

// Add keeps o, durably.
func (r *Results) Add(o Outcome) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.append(o.encode()); err != nil {
		return err
	}
	r.last[key(o.User)] = o
	return nil
}

func (r *Results) append(fields []string) error {
	var line bytes.Buffer
	out := csv.NewWriter(&line)
	if err := out.Write(fields); err != nil {
		return err
	}
	out.Flush()
	if _, err := r.file.Write(line.Bytes()); err != nil {
		return err
	}
	return r.file.Sync()
}

// Close leaves one line for each person, in the order of the list, and lets others write.
func (r *Results) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := make([]Outcome, 0, len(r.last))
	for _, o := range r.last {
		all = append(all, o)
	}
	sort.Slice(all, func(i, j int) bool {
		return cmp.Or(all[i].Line-all[j].Line, strings.Compare(all[i].User, all[j].User)) < 0
	})
	var text bytes.Buffer
	out := csv.NewWriter(&text)
	err := out.Write(resultHead)
	for _, o := range all {
		err = errors.Join(err, out.Write(o.encode()))
	}
	out.Flush()
	err = errors.Join(err, r.file.Close())
	if err == nil {
		err = ownfile.Replace(r.path, text.Bytes())
	}
	return errors.Join(err, r.unlock())
}

func (o Outcome) encode() []string {
	fields := []string{
		strconv.Itoa(o.Line), o.User, o.Result, o.Pass.Reveal(), when(o.From), when(o.Until), "", o.Message, when(o.At),
	}
	if o.Done() {
		fields[6] = strconv.FormatBool(o.Once)
	}
	for i, f := range fields {
		fields[i] = tame(f)
	}
	return fields
}

func decodeOutcome(fields []string) Outcome {
	for i, f := range fields {
		fields[i] = untame(f)
	}
	o := Outcome{User: fields[1], Result: fields[2], Pass: graphclient.NewSecret(fields[3]), Once: fields[6] == "true", Message: fields[7]}
	o.Line, _ = strconv.Atoi(fields[0]) // only the order of lines
	for i, at := range map[int]*time.Time{4: &o.From, 5: &o.Until, 8: &o.At} {
		*at, _ = time.Parse(time.RFC3339, fields[i]) // empty where nothing was issued
	}
	return o
}

func when(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format(time.RFC3339)
}

// formula are the characters with which a field becomes a formula in a spreadsheet
// (OWASP "CSV Injection"). The quote is there so that tame can be undone.
const formula = "=+-@'＝＋－＠"

// tame makes text harmless to spreadsheets, and one line.
func tame(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, text)
	if strings.IndexAny(text, formula) == 0 {
		return "'" + text
	}
	return text
}

func untame(text string) string {
	if rest, ok := strings.CutPrefix(text, "'"); ok && strings.IndexAny(rest, formula) == 0 {
		return rest
	}
	return text
}
