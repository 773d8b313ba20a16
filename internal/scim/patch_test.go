package scim

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// patchOf is a PATCH with n operations like one.
func patchOf(n int, one map[string]any) map[string]any {
	all := make([]any, n)
	for i := range all {
		all[i] = one
	}
	return map[string]any{"schemas": []any{urnPatch}, "Operations": all}
}

func numbers(n int) []any {
	all := make([]any, n)
	for i := range all {
		all[i] = map[string]any{"type": "work", "value": fmt.Sprint(i)}
	}
	return all
}

// A value of a list is compared with each that is there, and each operation may name them all again.
func TestNoPatchComparesForMinutes(t *testing.T) {
	phones := func(op string, n int) map[string]any {
		return map[string]any{"op": op, "path": "phoneNumbers", "value": numbers(n)}
	}
	long := "phoneNumbers[" + strings.Repeat(`value co "x" or `, 60) + `type pr].value`
	for name, test := range map[string]struct {
		body map[string]any
		want error
	}{
		"a list, again and again":            {patchOf(70, phones("remove", 2000)), ErrMany},
		"one that fits, again and again":     {patchOf(10, phones("remove", 250)), ErrMany},
		"without a path":                     {patchOf(10, map[string]any{"op": "add", "value": map[string]any{"phoneNumbers": numbers(250)}}), ErrMany},
		"long filters":                       {patchOf(120, map[string]any{"op": "replace", "path": long, "value": "1"}), ErrMany},
		"more than a list has":               {patchOf(1, phones("add", 2000)), ErrMany},
		"as many as fit":                     {patchOf(8, phones("remove", 250)), nil},
		"as Entra takes members out, by 200": {patchOf(200, map[string]any{"op": "Remove", "path": `members[value eq "00000000-0000-4000-8000-000000000000"]`}), nil},
	} {
		k := users
		if strings.Contains(name, "members") {
			k = groups
		}
		all, err := readPatch(test.body)
		if err == nil && k == users {
			d := document{}
			err = applyAll(t.Context(), all, func(o operation) error { return k.apply(d, o) })
		}
		if !errors.Is(err, test.want) || test.want == nil && err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := groupMembers.read(numbers(2000)); err != nil {
		t.Errorf("members: %v", err)
	}

	d := document{}
	for i := range 3 { // little by little
		o := phones("add", 100)
		for j, x := range o["value"].([]any) {
			x.(map[string]any)["value"] = fmt.Sprint(i, j)
		}
		all, err := readPatch(patchOf(1, o))
		if err != nil {
			t.Fatal(err)
		}
		if err := users.apply(d, all[0]); (err == nil) != (i < 2) {
			t.Errorf("%d in a list of a person: %v", 100*(i+1), err)
		}
	}
	away, leave := context.WithCancel(t.Context())
	done := 0
	err := applyAll(away, make([]operation, 5), func(operation) error { done++; leave(); return nil })
	if !errors.Is(err, context.Canceled) || done != 1 {
		t.Errorf("%d operations for nobody: %v", done, err)
	}
}
