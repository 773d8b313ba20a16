package audit_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"

	"github.com/postern-id/postern/internal/audit"
)

// export returns contoso's log from position from on.
func export(t *testing.T, l *log, from int64) []byte {
	t.Helper()
	var out bytes.Buffer
	next, err := audit.WriteJSONLines(t.Context(), l, contoso, from, &out)
	if err != nil || next != max(from, l.state().head.Size) {
		t.Fatalf("WriteJSONLines = %d, %v", next, err)
	}
	return out.Bytes()
}

// read returns the lines of an export.
func read(t *testing.T, b []byte) []audit.Line {
	t.Helper()
	var lines []audit.Line
	for line, err := range audit.ReadJSONLines(bytes.NewReader(b)) {
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
	}
	return lines
}

func TestAnExportHasTheWholeLog(t *testing.T) {
	l := newSealedLog(t)
	lines := read(t, export(t, l, 0))
	if len(lines) != 13+4 {
		t.Fatalf("%d lines, want 13 entries and 4 checkpoints", len(lines))
	}
	tree, leaves := audit.NewHead(contoso), []audit.Hash{}
	position := 0
	for _, line := range lines {
		if line.Checkpoint != nil {
			h, err := audit.OpenCheckpoint(line.Checkpoint, l.options().Keys...)
			got, _, extendErr := audit.Extend(t.Context(), stored{}, tree, leaves)
			if err != nil || extendErr != nil || h != got {
				t.Fatalf("after %d entries the checkpoint is %+v, %v; the tree is %+v, %v", position, h, err, got, extendErr)
			}
			continue
		}
		want := l.state().sealed[position]
		if line.Position != want.Position || !reflect.DeepEqual(*line.Entry, want.Entry) {
			t.Fatalf("line %+v\nwant %+v", line, want)
		}
		leaves = append(leaves, line.Leaf)
		position++
	}
}

func TestAnExportGoesOnWhereTheLastOneEnded(t *testing.T) {
	l := newSealedLog(t)
	first := export(t, l, 0)
	l.batch(t, 2)
	if both, whole := append(first, export(t, l, 13)...), export(t, l, 0); !bytes.Equal(both, whole) {
		t.Fatal("two exports are not the whole one")
	}
	if rest := export(t, l, 15); len(rest) != 0 {
		t.Fatalf("after the end there is %s", rest)
	}
	if rest := export(t, l, 99); len(rest) != 0 {
		t.Fatalf("far after the end there is %s", rest)
	}
}

func TestEveryLineOfAnExportIsOneObject(t *testing.T) {
	l := newSealedLog(t)
	e := change(contoso, 99)
	e.Change.By.User.DisplayName = "a\nb\u2028c"
	l.append(t, e)
	l.seal(t)
	for line := range strings.Lines(string(export(t, l, 0))) {
		var object map[string]any
		if err := json.Unmarshal([]byte(line), &object); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
	}
}

func TestAnExportKeepsTheHashesOfPrunedEntries(t *testing.T) {
	l := newSealedLog(t)
	l.announce(t, 3)
	want := l.entry(1).Leaf()
	l.state().sealed = l.state().sealed[3:]
	lines := read(t, export(t, l, 0))
	if lines[1].Entry != nil || lines[1].Leaf != want || lines[4].Entry == nil {
		t.Fatalf("the lines are %+v", lines[:5])
	}
}

func TestAnExportShowsChangedEntriesAndGoesOn(t *testing.T) {
	for name, body := range map[string]string{"other JSON": `{"a": 1}`, "no JSON": `{"a`, "nothing": ""} {
		l := newSealedLog(t)
		l.entry(4).Body = []byte(body)
		b := export(t, l, 0)
		if n := bytes.Count(b, []byte("\n")); n != 13+4 {
			t.Errorf("%s: %d lines", name, n)
		}
		if body == "" {
			continue // it reads like a pruned one, which Verify tells apart
		}
		var last error
		n := 0
		for _, err := range audit.ReadJSONLines(bytes.NewReader(b)) {
			last = err
			n++
		}
		if !errors.Is(last, audit.ErrTampered) || n != 6 {
			t.Errorf("%s: line %d is %v, want line 6 to be ErrTampered", name, n, last)
		}
	}
}

func TestReadJSONLinesRefuses(t *testing.T) {
	good := string(export(t, newSealedLog(t), 12))
	for name, text := range map[string]string{
		"no JSON":             "hello",
		"a line that is cut":  good[:50],
		"neither":             `{}`,
		"a hash that is none": `{"position":1,"leafHash":"AQID"}`,
		"another time":        strings.Replace(good, ".123456Z", ".123Z", 1),
		"another value":       strings.Replace(good, "success", "failure", 1),
		"another sign-in":     strings.Replace(good, "130503", "0", 1),
	} {
		var last error
		for _, err := range audit.ReadJSONLines(strings.NewReader(text)) {
			last = err
		}
		if last == nil && text != good {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestReadJSONLinesStopsWhenAsked(t *testing.T) {
	n := 0
	for range audit.ReadJSONLines(bytes.NewReader(export(t, newSealedLog(t), 0))) {
		if n++; n == 2 {
			break
		}
	}
	if n != 2 {
		t.Fatalf("%d lines", n)
	}
}

func TestAnExportPassesOnThatItCannotWrite(t *testing.T) {
	l := newSealedLog(t)
	r, w := io.Pipe()
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := audit.WriteJSONLines(t.Context(), l, contoso, 0, w); !errors.Is(err, io.ErrClosedPipe) {
		t.Fatalf("WriteJSONLines = %v, want ErrClosedPipe", err)
	}
}

func FuzzReadJSONLines(f *testing.F) {
	entry, err := change(contoso, 1).Seal(&counter{})
	if err != nil {
		f.Fatal(err)
	}
	m := newMemory()
	m.log(contoso).sealed = []audit.SealedEntry{{Entry: entry}}
	m.log(contoso).hashes = []audit.Hash{entry.Leaf()}
	m.log(contoso).head.Size = 1
	var out bytes.Buffer
	if _, err := audit.WriteJSONLines(f.Context(), m, contoso, 0, &out); err != nil {
		f.Fatal(err)
	}
	f.Add(out.Bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		for line, err := range audit.ReadJSONLines(bytes.NewReader(b)) {
			if err == nil && line.Entry != nil && line.Entry.Leaf() != line.Leaf {
				t.Fatal("an entry passed that does not match its hash")
			}
		}
	})
}
