package odata_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/graph/odata"
)

type position struct{ Name, ID string }

var (
	cursorKey = bytes.Repeat([]byte{7}, 32)
	last      = position{"Ann", "u1"}
	query     = odata.Options{Filter: "a eq 1", OrderBy: "displayName", Search: "s"}
)

func sealed(t testing.TB) string {
	t.Helper()
	token, err := odata.NewCursor(cursorKey, "t1", "/v1.0/users", query).Seal(last)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestCursorOpensForItsQueryOnly(t *testing.T) {
	otherKey := bytes.Repeat([]byte{8}, 32)
	for _, c := range []struct {
		name   string
		cursor odata.Cursor
		ok     bool
	}{
		{"the same query", odata.NewCursor(cursorKey, "t1", "/v1.0/users", query), true},
		{"another page size", odata.NewCursor(cursorKey, "t1", "/v1.0/users", odata.Options{Filter: "a eq 1", OrderBy: "displayName", Search: "s", Top: 5}), true},
		{"another key", odata.NewCursor(otherKey, "t1", "/v1.0/users", query), false},
		{"another tenant", odata.NewCursor(cursorKey, "t2", "/v1.0/users", query), false},
		{"another path", odata.NewCursor(cursorKey, "t1", "/v1.0/groups", query), false},
		{"another filter", odata.NewCursor(cursorKey, "t1", "/v1.0/users", odata.Options{Filter: "a eq 2", OrderBy: "displayName", Search: "s"}), false},
		{"another order", odata.NewCursor(cursorKey, "t1", "/v1.0/users", odata.Options{Filter: "a eq 1", OrderBy: "id", Search: "s"}), false},
		{"another search", odata.NewCursor(cursorKey, "t1", "/v1.0/users", odata.Options{Filter: "a eq 1", OrderBy: "displayName"}), false},
		{"the same text split elsewhere", odata.NewCursor(cursorKey, "t1/v1.0", "/users", query), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got position
			err := c.cursor.Open(sealed(t), &got)
			if c.ok && (err != nil || got != last) || !c.ok && !errors.Is(err, odata.ErrBadSkipToken) {
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
}

func TestCursorRefusesTamperedTokens(t *testing.T) {
	cursor := odata.NewCursor(cursorKey, "t1", "/v1.0/users", query)
	token := sealed(t)
	raw, _ := base64.RawURLEncoding.DecodeString(token)
	for i := range raw {
		bent := bytes.Clone(raw)
		bent[i] ^= 1
		refusal(t, cursor.Open(base64.RawURLEncoding.EncodeToString(bent), new(position)), odata.ErrBadSkipToken)
	}
	for _, bad := range []string{
		"", "x", "!!!!", token + "A", token[:len(token)-1], token + "=", token + "\n", " " + token,
		token[:43], strings.Repeat("A", 5000), base64.RawURLEncoding.EncodeToString([]byte(`{"Name":"a"}`)),
	} {
		refusal(t, cursor.Open(bad, new(position)), odata.ErrBadSkipToken)
	}
}

func TestCursorFailsClosedWithoutAProperKey(t *testing.T) {
	weak := odata.NewCursor(cursorKey[:31], "t1", "/v1.0/users", query)
	if _, err := weak.Seal(last); err == nil {
		t.Error("a short key sealed")
	}
	err := weak.Open(sealed(t), new(position))
	if _, told := errors.AsType[*fault.Error](err); err == nil || told {
		t.Errorf("a short key opened: %v", err)
	}
}

func TestCursorSealRefusesWhatItCouldNotOpen(t *testing.T) {
	cursor := odata.NewCursor(cursorKey, "t1", "/v1.0/users", query)
	if _, err := cursor.Seal(position{Name: strings.Repeat("n", 5000)}); err == nil {
		t.Error("a token of 5000 characters was made")
	}
	if _, err := cursor.Seal(make(chan int)); err == nil {
		t.Error("a channel was made into a token")
	}
}

func FuzzCursorOpen(f *testing.F) {
	token := sealed(f)
	f.Add(token)
	f.Add(token[1:])
	f.Add("")
	f.Fuzz(func(t *testing.T, tried string) {
		err := odata.NewCursor(cursorKey, "t1", "/v1.0/users", query).Open(tried, new(position))
		if (err == nil) != (tried == token) {
			t.Errorf("%q: %v", tried, err)
		}
	})
}
