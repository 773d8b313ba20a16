package bulk_test

import (
	"errors"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/postern-id/postern/internal/cli/bulk"
)

func TestAFileThatIsNoListIsRefusedWhole(t *testing.T) {
	tests := map[string]string{
		"empty":                 "",
		"only a head":           "user\n",
		"no column user":        "name,lifetime\nmira@contoso.example,1h\n",
		"an unknown column":     "user,lifetme\nmira@contoso.example,1h\n",
		"a column twice":        "user,user\na@contoso.example,b@contoso.example\n",
		"UTF-16":                "\xff\xfeu\x00s\x00",
		"not UTF-8":             "user,reason\nmira@contoso.example,M\xfcnchen\n",
		"a zero byte":           "user\nmira\x00@contoso.example\n",
		"a quote left open":     "user,reason\nmira@contoso.example,\"new laptop\nomar@contoso.example,x\n",
		"a quote in the middle": "user,reason\nmira@contoso.example,new \"laptop\"\n",
		"too large":             "user\n" + strings.Repeat("a", bulk.MaxFile),
	}
	for name, text := range tests {
		t.Run(name, func(t *testing.T) {
			if people, err := bulk.ReadPeople(strings.NewReader(text)); !errors.Is(err, bulk.ErrFile) {
				t.Errorf("got %v, %v", people, err)
			}
		})
	}
}

func TestAListIsReadAsSpreadsheetsSaveIt(t *testing.T) {
	for name, text := range map[string]string{
		"comma":                 "user,lifetime,once,reason\nmira@contoso.example,90m,yes,\"laptop, new\"\n",
		"byte order mark, CRLF": "\ufeffUser,Lifetime,Once,Reason\r\nmira@contoso.example,90,TRUE,\"laptop, new\"\r\n\r\n,,,\r\n",
		"semicolon":             "user;lifetime;once;reason\nmira@contoso.example;1h30m;1;laptop, new",
		"tab, other order":      "reason\tuser\tonce\tlifetime\nlaptop, new\t mira@contoso.example \tyes\t90m\n",
	} {
		t.Run(name, func(t *testing.T) {
			people, err := bulk.ReadPeople(strings.NewReader(text))
			if err != nil || len(people) != 1 {
				t.Fatalf("got %v, %v", people, err)
			}
			p := people[0]
			if p.Line != 2 || p.User != "mira@contoso.example" || p.Lifetime != 90*time.Minute || p.Once == nil || !*p.Once || p.Reason != "laptop, new" || p.Problem != "" {
				t.Errorf("got %+v", p)
			}
		})
	}
}

func TestALineThatIsWrongStopsNoOther(t *testing.T) {
	for name, line := range map[string]string{
		"too few fields":      "omar@contoso.example",
		"too many fields":     "omar@contoso.example,1h,yes,x",
		"nobody":              ",1h,yes",
		"a broken lifetime":   "omar@contoso.example,soon,yes",
		"no whole minutes":    "omar@contoso.example,90s,yes",
		"a lifetime below 0":  "omar@contoso.example,-1h,yes",
		"a broken once":       "omar@contoso.example,1h,maybe",
		"a huge name":         strings.Repeat("o", 2000) + "@contoso.example,1h,yes",
		"a control character": "omar\x1b[2J@contoso.example,1h,yes",
		"somebody twice":      "MIRA@contoso.example,1h,yes",
	} {
		t.Run(name, func(t *testing.T) {
			people, err := bulk.ReadPeople(strings.NewReader("user,lifetime,once\nmira@contoso.example,1h,yes\n" + line + "\nnoor@contoso.example,2h,no\n"))
			if err != nil || len(people) != 3 {
				t.Fatalf("got %v, %v", people, err)
			}
			if people[0].Problem != "" || people[1].Problem == "" || people[2].Problem != "" || people[2].Line != 4 {
				t.Errorf("got %+v", people)
			}
		})
	}
}

func FuzzReadPeople(f *testing.F) {
	for _, text := range []string{
		"user\nmira@contoso.example\n", "\ufeffuser;once\r\na@b;yes\r\n", "user,reason\n=cmd|' /C calc'!A0,\"a\nb\"\n", "user\n\"a", "\xff\xfe",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		people, err := bulk.ReadPeople(strings.NewReader(text))
		if err != nil {
			if !errors.Is(err, bulk.ErrFile) || people != nil {
				t.Errorf("got %v, %v", people, err)
			}
			return
		}
		line, seen := 1, map[string]bool{}
		for _, p := range people {
			if p.Line <= line {
				t.Errorf("line %d follows line %d", p.Line, line)
			}
			line = p.Line
			if p.Problem != "" {
				continue
			}
			name := strings.ToLower(p.User)
			for _, value := range []string{p.User, p.Start, p.Reason, p.Ticket} {
				if len(value) > 1024 || strings.ContainsFunc(value, func(r rune) bool { return !unicode.IsPrint(r) }) {
					t.Errorf("a field holds %q", value)
				}
			}
			if name == "" || seen[name] || p.Lifetime < 0 || p.Lifetime%time.Minute != 0 {
				t.Errorf("got %+v", p)
			}
			seen[name] = true
		}
	})
}
