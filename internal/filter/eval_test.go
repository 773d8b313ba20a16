package filter_test

import (
	"testing"
	"time"

	"github.com/postern-id/postern/internal/filter"
)

// object makes an Object of columns and values.
func object(columns map[string][]filter.Value) filter.Object {
	return func(column string) []filter.Value { return columns[column] }
}

var (
	ann = object(map[string][]filter.Value{
		"id":           {filter.GUID("62e90394-69f5-4237-9190-012177145e10")},
		"display_name": {filter.String("Ann-Marie O'Brien")},
		"category":     {filter.String("joiner,leaver")},
		"enabled":      {filter.Bool(true)},
		"created_at":   {filter.Time{At: time.Date(2026, 1, 31, 9, 0, 0, 0, time.UTC)}},
		"error_code":   {filter.Int(50126)},
		"mails":        {filter.String("ann@example.test"), filter.String("marie@example.test")},
		"targets": {
			object(map[string][]filter.Value{
				"target_id":   {filter.GUID("c4e39bd9-1100-46d3-8c65-fb160da0071f")},
				"target_name": {filter.String("Laptop")},
			}),
			object(map[string][]filter.Value{
				"target_id":   {filter.GUID("729827e3-9c14-49f7-bb1b-9608f156bbb8")},
				"target_name": {filter.String("Phone")},
				"changes":     {object(map[string][]filter.Value{"change_name": {filter.String("owner")}})},
			}),
		},
	})
	nobody = object(nil) // every property is null, every collection empty
)

func TestEval(t *testing.T) {
	for _, c := range []struct {
		name, text string
		of         filter.Object
		want       bool
	}{
		{"text is equal in any case", "displayName eq 'ANN-marie o''brien'", ann, true},
		{"text is equal in any case, beyond ASCII", "displayName eq 'ÅSA'", object(map[string][]filter.Value{"display_name": {filter.String("åsa")}}), true},
		{"text differs", "displayName eq 'Ann'", ann, false},
		{"ne is the opposite", "displayName ne 'Ann'", ann, true},
		{"text has an order in any case", "displayName gt 'ann' and displayName lt 'B'", ann, true},
		{"an id in any case", "id eq '62E90394-69F5-4237-9190-012177145E10'", ann, true},
		{"a boolean", "accountEnabled eq true", ann, true},
		{"the other boolean", "accountEnabled eq false", ann, false},
		{"gt just below", "status/errorCode gt 50125", ann, true},
		{"gt at the value", "status/errorCode gt 50126", ann, false},
		{"ge at the value", "status/errorCode ge 50126", ann, true},
		{"lt at the value", "status/errorCode lt 50126", ann, false},
		{"le at the value", "status/errorCode le 50126", ann, true},
		{"the same moment in another zone", "createdDateTime eq 2026-01-31T10:00:00+01:00", ann, true},
		{"a time before", "createdDateTime ge 2026-02-01", ann, false},
		{"startswith in any case", "startswith(displayName,'aNN')", ann, true},
		{"endswith", "endswith(displayName,'BRIEN')", ann, true},
		{"contains", "contains(displayName,'marie o')", ann, true},
		{"contains not", "contains(displayName,'mario')", ann, false},
		{"has one of several flags", "category has 'Leaver'", ann, true},
		{"has no part of a flag", "category has 'join'", ann, false},
		{"has no two flags as one", "category has 'joiner,leaver'", ann, false},
		{"has none", "category has 'joiner'", nobody, false},
		{"has not", "not category has 'mover'", ann, true},
		{"an id starts with", "startswith(id,'62E9')", ann, true},
		{"in a list", "displayName in ('Bea','ann-marie o''brien')", ann, true},
		{"not in a list", "displayName in ('Bea')", ann, false},
		{"and needs both", "accountEnabled eq true and displayName eq 'Bea'", ann, false},
		{"or needs one", "accountEnabled eq true or displayName eq 'Bea'", ann, true},
		{"not", "not (accountEnabled eq true)", ann, false},
		{"any finds one of several", "otherMails/any(m:m eq 'MARIE@example.test')", ann, true},
		{"any finds none", "otherMails/any(m:startswith(m,'bea'))", ann, false},
		{"any of an object", "targetResources/any(t:t/displayName eq 'phone')", ann, true},
		{"any wants one element to meet all of it", "targetResources/any(t:t/displayName eq 'Phone' and t/id eq c4e39bd9-1100-46d3-8c65-fb160da0071f)", ann, false},
		{"two anys may mean two elements", "targetResources/any(t:t/displayName eq 'Phone') and targetResources/any(t:t/displayName eq 'Laptop')", ann, true},
		{"any inside any", "targetResources/any(t:t/modifiedProperties/any(m:m/displayName eq 'owner'))", ann, true},
		{"no any of an empty collection", "otherMails/any(m:m ne 'x')", nobody, false},
		{"not any of an empty collection", "not otherMails/any(m:m eq 'x')", nobody, true},
		{"null equals null", "department eq null", ann, true},
		{"a value is not null", "displayName eq null", ann, false},
		{"ne null finds what is set", "displayName ne null", ann, true},
		{"null is unequal to a value", "department ne 'Sales'", nobody, true},
		{"null is not more", "displayName ge ''", nobody, false},
		{"null is not less", "displayName le ''", nobody, false},
		{"not turns around what null made false", "not (displayName ge '')", nobody, true},
		{"null starts with nothing", "startswith(displayName,'')", nobody, false},
		{"text that is set starts with nothing too", "startswith(displayName,'')", ann, true},
		{"null is in no list", "displayName in ('')", nobody, false},
		{"false is not null", "accountEnabled eq false", nobody, false},
		{"a nil value is null", "displayName eq null", object(map[string][]filter.Value{"display_name": {nil}}), true},
		{"a value of another type equals nothing", "displayName eq '5'", object(map[string][]filter.Value{"display_name": {filter.Int(5)}}), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, err := bind(c.text)
			if err != nil {
				t.Fatal(err)
			}
			if got := filter.Eval(b, c.of); got != c.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestNoFilterLetsEverythingThrough(t *testing.T) {
	if !filter.Eval(filter.Bound{}, nobody) {
		t.Error("refused")
	}
}
