package claims_test

import (
	"errors"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/oauth/claims"
)

func TestParse(t *testing.T) {
	ngcmfa := claims.AnyOf{"ngcmfa"}
	tests := []struct {
		name, text string
		want       claims.Request
	}{
		{"nothing", "", claims.Request{}},
		{"an empty object", "{}", claims.Request{}},
		{"what SDKs send", `{"access_token":{"xms_cc":{"values":["CP1"]}}}`, claims.Request{HandlesChallenges: true}},
		{"the capability in small letters, as a single value", `{"access_token":{"xms_cc":{"value":"cp1"}}}`, claims.Request{HandlesChallenges: true}},
		{"another capability", `{"access_token":{"xms_cc":{"values":["protapp"]}}}`, claims.Request{}},
		{"the capability in the id token, where it says nothing", `{"id_token":{"xms_cc":{"values":["CP1"]}}}`, claims.Request{}},
		{
			"a registration page", `{"access_token":{"amr":{"essential":true,"values":["ngcmfa"]}},"id_token":{"amr":{"essential":true,"values":["ngcmfa"]}}}`,
			claims.Request{AMR: []claims.AnyOf{ngcmfa}},
		},
		{"a single value", `{"id_token":{"amr":{"essential":true,"value":"mfa"}}}`, claims.Request{AMR: []claims.AnyOf{{"mfa"}}}},
		{
			"two requests that differ", `{"access_token":{"amr":{"essential":true,"values":["mfa","ngcmfa"]}},"id_token":{"amr":{"essential":true,"value":"mfa"}}}`,
			claims.Request{AMR: []claims.AnyOf{{"mfa", "ngcmfa"}, {"mfa"}}},
		},
		{"amr that is not essential", `{"access_token":{"amr":{"values":["ngcmfa"]}}}`, claims.Request{}},
		{"an authentication context", `{"access_token":{"acrs":{"essential":true,"value":"c1"}}}`, claims.Request{ACRs: []claims.AnyOf{{"c1"}}}},
		{"an authentication context among several", `{"id_token":{"acrs":{"essential":true,"values":["c1","c25"]}}}`, claims.Request{ACRs: []claims.AnyOf{{"c1", "c25"}}}},
		{
			"a challenge merged with the capability", `{"access_token":{"nbf":{"essential":true,"value":"1767225600"},"xms_cc":{"values":["CP1"]}}}`,
			claims.Request{NotBefore: time.Unix(1767225600, 0).UTC(), HandlesChallenges: true},
		},
		{"a time as number", `{"access_token":{"nbf":{"essential":true,"value":1767225600}}}`, claims.Request{NotBefore: time.Unix(1767225600, 0).UTC()}},
		{"the later of two times", `{"access_token":{"nbf":{"essential":true,"value":"5"}},"id_token":{"nbf":{"essential":true,"value":"9"}}}`, claims.Request{NotBefore: time.Unix(9, 0).UTC()}},
		{"a claim asked for without a value", `{"id_token":{"auth_time":null,"email":{"essential":true},"amr":null}}`, claims.Request{}},
		{"essential without a value", `{"id_token":{"amr":{"essential":true}}}`, claims.Request{}},
		{"members that nobody knows", `{"userinfo":{"given_name":null},"id_token":{"http://contoso.example/claim":{"essential":true,"x":[1,{"y":2}]}},"x":1}`, claims.Request{}},
		{"blanks around", " {\n\t} ", claims.Request{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := claims.Parse(tt.text)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, tt.want) {
				t.Fatalf("Parse(%q) = %+v, want %+v", tt.text, got, tt.want)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	amr := func(what string) string { return `{"access_token":{"amr":{"essential":true,` + what + `}}}` }
	nbf := func(value string) string {
		return `{"access_token":{"nbf":{"essential":true,"value":` + value + `}}}`
	}
	many := `"` + strings.Join(strings.Split(strings.Repeat("a", claims.MaxValues+1), ""), `","`) + `"`
	tests := []struct{ name, text string }{
		{"a word", "mfa"},
		{"a list", "[]"},
		{"null", "null"},
		{"text", `"{}"`},
		{"half an object", `{"access_token":`},
		{"text behind", `{} {}`},
		{"a member twice, which readers understand in two ways", `{"access_token":{"amr":{"essential":true,"value":"mfa"},"amr":null}}`},
		{"a token twice", `{"access_token":{},"access_token":null}`},
		{"a member twice where nobody looks", `{"x":{"y":1,"y":2}}`},
		{"a token that is a list", `{"access_token":[]}`},
		{"a claim that is text", `{"access_token":{"amr":"mfa"}}`},
		{"essential as text", amr(`"essential":"true"`)},
		{"a value that is a number", amr(`"value":1`)},
		{"a value that is a list", amr(`"value":["mfa"]`)},
		{"values that are text", amr(`"values":"mfa"`)},
		{"values with a number", amr(`"values":["mfa",1]`)},
		{"values with null", amr(`"values":["mfa",null]`)},
		{"an empty value", amr(`"value":""`)},
		{"no values, which nothing can meet", amr(`"values":[]`)},
		{"both value and values", amr(`"value":"mfa","values":["pwd"]`)},
		{"a value too long", amr(`"value":"` + strings.Repeat("a", claims.MaxValue+1) + `"`)},
		{"too many values", amr(`"values":[` + many + `]`)},
		{"a time below zero", nbf("-1")},
		{"a time with a fraction", nbf("1.5")},
		{"a time that is no number", nbf(`"soon"`)},
		{"a time beyond all clocks", nbf(`"99999999999999999999"`)},
		{"a time with an exponent", nbf("1e300")},
		{"an empty time", nbf(`""`)},
		{"too long", `{"x":"` + strings.Repeat("a", claims.MaxSize) + `"}`},
		{"too deep", strings.Repeat(`{"x":`, claims.MaxDepth) + "{}" + strings.Repeat("}", claims.MaxDepth)},
		{"far too deep", strings.Repeat("[", claims.MaxSize)},
		{"a byte that is no text", "{\"x\":\"\xff\"}"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := claims.Parse(tt.text)
			if !errors.Is(err, claims.ErrInvalid) || !reflect.DeepEqual(got, claims.Request{}) {
				t.Fatalf("Parse = %+v, %v, want ErrInvalid", got, err)
			}
		})
	}
}

func TestAnyOfMetBy(t *testing.T) {
	tests := []struct {
		name string
		set  claims.AnyOf
		have []string
		want bool
	}{
		{"one of two", claims.AnyOf{"mfa", "ngcmfa"}, []string{"otp", "mfa"}, true},
		{"none of two", claims.AnyOf{"mfa", "ngcmfa"}, []string{"pwd"}, false},
		{"a longer value", claims.AnyOf{"ngcmfa"}, []string{"mfa"}, false},
		{"nothing there", claims.AnyOf{"mfa"}, nil, false},
		{"nothing asked", nil, []string{"mfa"}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.set.MetBy(tt.have); got != tt.want {
				t.Fatalf("MetBy = %v, want %v", got, tt.want)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`{"access_token":{"xms_cc":{"values":["CP1"]},"nbf":{"essential":true,"value":"1767225600"}}}`,
		`{"id_token":{"amr":{"essential":true,"values":["ngcmfa"]},"acrs":{"essential":true,"value":"c1"}},"userinfo":null}`,
		`{"access_token":{"nbf":{"essential":true,"value":1e9}}}`, `[[[[`, `{"a":1,"a":2}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := claims.Parse(text)
		if err != nil {
			if !errors.Is(err, claims.ErrInvalid) || !reflect.DeepEqual(got, claims.Request{}) {
				t.Fatalf("Parse(%q) = %+v, %v", text, got, err)
			}
			return
		}
		for _, set := range append(got.AMR, got.ACRs...) {
			if len(set) == 0 || len(set) > claims.MaxValues || !set.MetBy(set[len(set)-1:]) {
				t.Fatalf("Parse(%q) = %+v, which nothing can meet", text, got)
			}
			for _, v := range set {
				if v == "" || len(v) > claims.MaxValue {
					t.Fatalf("Parse(%q) has the value %q", text, v)
				}
			}
		}
		if !got.NotBefore.IsZero() && !strings.Contains(text, strconv.FormatInt(got.NotBefore.Unix(), 10)) && !strings.Contains(text, `\`) {
			t.Fatalf("Parse(%q) has the time %v", text, got.NotBefore)
		}
	})
}
