package filter_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/filter"
)

func TestParseOrderBy(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []filter.Key
	}{
		{"one property", "displayName", []filter.Key{{Path: filter.Path{"displayName"}}}},
		{"asc is what it is without a word", "displayName asc", []filter.Key{{Path: filter.Path{"displayName"}}}},
		{"desc in any case", "displayName DESC", []filter.Key{{Path: filter.Path{"displayName"}, Descending: true}}},
		{"several", "displayName desc, id", []filter.Key{{Path: filter.Path{"displayName"}, Descending: true}, {Path: filter.Path{"id"}}}},
		{"a path", "status/errorCode asc,id desc", []filter.Key{{Path: filter.Path{"status", "errorCode"}}, {Path: filter.Path{"id"}, Descending: true}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := filter.ParseOrderBy(c.text)
			if err != nil || !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
}

func TestWhatIsNotAnOrder(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       *fault.Error
		says       string
	}{
		{"nothing", "", filter.ErrOrderBySyntax, "at character 1: expected the name of a property, found the end"},
		{"a comma at the end", "displayName,", filter.ErrOrderBySyntax, "at character 13: expected the name"},
		{"two directions", "displayName asc desc", filter.ErrOrderBySyntax, `at character 17: expected asc, desc, a comma or the end, found "desc"`},
		{"two names without a comma", "displayName id", filter.ErrOrderBySyntax, "at character 13: expected asc, desc"},
		{"a number", "1", filter.ErrOrderBySyntax, "at character 1: expected the name"},
		{"a second statement", "displayName;drop", filter.ErrOrderBySyntax, "at character 12"},
		{"a function", "rand()", filter.ErrOrderBySyntax, "at character 5"},
		{"too many", strings.Repeat("a,", filter.MaxKeys) + "a", filter.ErrTooComplex, "more than 8 properties"},
		{"too long", strings.Repeat("a", filter.MaxLength+1), filter.ErrTooComplex, "longer than 8192 bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := filter.ParseOrderBy(c.text)
			f, _ := errors.AsType[*fault.Error](err)
			if !errors.Is(err, c.want) || !strings.Contains(f.Text, c.says) || f.Target != "$orderby" {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestCheckOrderBy(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       *fault.Error
	}{
		{"in any case", "DisplayName desc,createdDateTime", nil},
		{"an unknown property", "shoeSize", filter.ErrUnknownProperty},
		{"a property without an index to sort by", "department", filter.ErrUnsupported},
		{"an element's property", "targetResources/displayName", filter.ErrUnknownProperty},
		{"a property named twice", "displayName,DISPLAYNAME desc", filter.ErrOrderBySyntax},
	} {
		t.Run(c.name, func(t *testing.T) {
			keys, err := filter.ParseOrderBy(c.text)
			if err != nil {
				t.Fatal(err)
			}
			got, err := filter.CheckOrderBy(keys, people)
			if c.want != nil {
				if !errors.Is(err, c.want) {
					t.Errorf("got %v, %v", got, err)
				}
				return
			}
			if err != nil || len(got) != 2 || got[0].Property.Column != "display_name" || !got[0].Descending || got[1].Property.Column != "created_at" {
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
}
