package letter

import (
	"errors"
	"strings"
	"testing"

	"github.com/postern-id/postern/internal/fault"
)

func TestPhrasesThatCanNotStandInAMailAreRefused(t *testing.T) {
	k := Kind{Name: Phrases, Phrases: map[string][]string{"passkey": nil, "passIssuedOnce": {"startTime", "endTime"}}}
	good := Template{Kind: Phrases, Language: "fr", Body: "passkey: Clé : d’accès\r\n\n passIssuedOnce :Une fois, de {{startTime}} à {{endTime}}."}
	if err := good.Check(k); err != nil {
		t.Fatal(err)
	}
	if said := good.Said(); said["passkey"] != "Clé : d’accès" || said["passIssuedOnce"] != "Une fois, de {{startTime}} à {{endTime}}." {
		t.Errorf("it says %q", said)
	}
	for name, row := range map[string]struct {
		change func(*Template)
		want   *fault.Error
	}{
		"nothing":                       {func(t *Template) { t.Body = " \n" }, ErrInvalid},
		"a subject":                     {func(t *Template) { t.Subject = "x" }, ErrInvalid},
		"a notice":                      {func(t *Template) { t.Notice = "x" }, ErrInvalid},
		"a name that is none":           {func(t *Template) { t.Body = "password: Mot de passe" }, ErrInvalid},
		"a line without a name":         {func(t *Template) { t.Body += "\nune fois" }, ErrInvalid},
		"a name that is called nothing": {func(t *Template) { t.Body = "passkey:" }, ErrInvalid},
		"a name twice":                  {func(t *Template) { t.Body += "\npasskey: Clé" }, ErrInvalid},
		"a line separator":              {func(t *Template) { t.Body += "\u2028passkey: Clé" }, ErrInvalid},
		"text that runs backwards":      {func(t *Template) { t.Body = "passkey: \u202eeélC" }, ErrInvalid},
		"a huge body":                   {func(t *Template) { t.Body += strings.Repeat("x", MostBody) }, ErrInvalid},
		"a sentence without its time":   {func(t *Template) { t.Body = "passIssuedOnce: Une fois, de {{startTime}}." }, ErrRequired},
		"a name of something else":      {func(t *Template) { t.Body = "passkey: {{endTime}}" }, ErrPlaceholder},
		"a pass":                        {func(t *Template) { t.Body += "{{temporaryAccessPass}}" }, ErrPlaceholder},
		"a language that is a path":     {func(t *Template) { t.Language = "../fr" }, ErrInvalid},
	} {
		changed := good
		row.change(&changed)
		err := changed.Check(k)
		if f, ok := errors.AsType[*fault.Error](err); !ok || f.Code != row.want.Code {
			t.Errorf("%s: %v, want %s", name, err, row.want.Code)
		}
	}
}
