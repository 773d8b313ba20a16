package peoplefile_test

import (
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/graphclient/peoplefile"
)

func wide(s string, big bool) string {
	var b strings.Builder
	for _, u := range utf16.Encode([]rune("\ufeff" + s)) {
		if big {
			b.WriteByte(byte(u >> 8))
			b.WriteByte(byte(u))
		} else {
			b.WriteByte(byte(u))
			b.WriteByte(byte(u >> 8))
		}
	}
	return b.String()
}

func read(text string) (rows [][]string, err error) {
	r, err := peoplefile.Open(strings.NewReader(text))
	if err != nil {
		return nil, err
	}
	rows = append(rows, r.Columns)
	for {
		_, values, err := r.Next()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return rows, err
		}
		rows = append(rows, values)
	}
}

func TestFilesAreReadAsProgramsWriteThem(t *testing.T) {
	want := [][]string{{"upn", "name"}, {"a@x", "Bördeaux, 🍷"}, {"b@x", "say \"hi\""}}
	for name, text := range map[string]string{
		"with commas":                "upn,name\na@x,\"Bördeaux, 🍷\"\nb@x,\"say \"\"hi\"\"\"\n",
		"with semicolons and CRLF":   "upn;name\r\na@x;Bördeaux, 🍷\r\n\r\nb@x;\"say \"\"hi\"\"\"\r\n",
		"with tabs and no last line": "upn\tname\na@x\tBördeaux, 🍷\n\t\nb@x\t\"say \"\"hi\"\"\"",
		"with a mark":                "\xef\xbb\xbfupn,name\na@x,\"Bördeaux, 🍷\"\nb@x,\"say \"\"hi\"\"\"\n",
		"in UTF-16":                  wide("upn;name\r\na@x;Bördeaux, 🍷\r\nb@x;\"say \"\"hi\"\"\"\r\n", false),
		"in big UTF-16":              wide("upn;name\r\na@x;Bördeaux, 🍷\r\nb@x;\"say \"\"hi\"\"\"\r\n", true),
	} {
		if got, err := read(text); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	for name, text := range map[string]string{
		"nothing": "", "a column twice": "a,A\n", "no name": "a,,b\n", "Latin-1": "a\nB\xf6rdeaux\n", "an open quote": "a,b\n\"x,y\nz,1\n",
		"too many values": "a\n1,2\n", "half a character": "\xff\xfea\x00\n\x00x", "a huge value": "a\n" + strings.Repeat("x", 5000) + "\n",
	} {
		if _, err := read(text); !errors.Is(err, peoplefile.ErrFile) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzFile(f *testing.F) {
	f.Add("upn;name\r\na@x;\"b\"\"c\"\r\n")
	f.Add("\xff\xfea\x00,\x00")
	f.Add("\xef\xbb\xbfa\tb\n\"")
	f.Fuzz(func(t *testing.T, text string) {
		rows, err := read(text)
		if f, ok := errors.AsType[*fault.Error](err); err != nil && (!ok || f.Text == "") {
			t.Errorf("not a fault: %v", err)
		}
		for _, r := range rows {
			if len(r) > len(rows[0]) {
				t.Error("a row is wider than the first")
			}
		}
	})
}

func TestWhatIsNoTextIsRefusedInWords(t *testing.T) {
	_, err := peoplefile.Open(strings.NewReader("\xb9\x12na\xffme,x\nrow"))
	if f, ok := errors.AsType[*fault.Error](err); !ok || f.Code != peoplefile.ErrFile.Code || !strings.Contains(f.Error(), "UTF-8") || strings.Contains(f.Error(), "xb9") {
		t.Errorf("%v", err)
	}
}
