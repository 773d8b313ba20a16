package letter

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/postern-id/postern/internal/fault"
)

var added = Kind{
	Name: "methodAdded", Placeholders: []string{"recipientDisplayName", "time", "method", "id"}, Required: []string{"time", "method"}, Notice: []string{"link", "id"},
}

var good = Template{
	Kind: "methodAdded", Language: "fr", Subject: "{{method}} ajouté", Body: "Bonjour {{recipientDisplayName}},\n\n{{method}} le {{time}}.", Notice: "Ce n’était pas vous ?\n\n{{link}}\n\n{{id}}",
}

func TestWordsThatCanNotBeAMailAreRefused(t *testing.T) {
	if err := good.Check(added); err != nil {
		t.Fatal(err)
	}
	for name, row := range map[string]struct {
		change func(*Template)
		want   *fault.Error
		target string
	}{
		"a header in the subject":               {func(t *Template) { t.Subject = "a\r\nBcc: eve@evil.example" }, ErrInvalid, "subject"},
		"a line in the subject":                 {func(t *Template) { t.Subject = "a\nb" }, ErrInvalid, "subject"},
		"a line separator in the subject":       {func(t *Template) { t.Subject = "a\u2028b" }, ErrInvalid, "subject"},
		"no subject":                            {func(t *Template) { t.Subject = " " }, ErrInvalid, "subject"},
		"a long subject":                        {func(t *Template) { t.Subject = strings.Repeat("ä", MostSubject+1) }, ErrInvalid, "subject"},
		"no body":                               {func(t *Template) { t.Body = "\n" }, ErrInvalid, "body"},
		"a huge body":                           {func(t *Template) { t.Body += strings.Repeat("x", MostBody) }, ErrInvalid, "body"},
		"many placeholders":                     {func(t *Template) { t.Body += strings.Repeat("{{id}}", mostPlaceholders) }, ErrInvalid, "body"},
		"text that runs backwards":              {func(t *Template) { t.Body += "\u202eevil" }, ErrInvalid, "body"},
		"a null":                                {func(t *Template) { t.Body += "\x00" }, ErrInvalid, "body"},
		"bytes that are no text":                {func(t *Template) { t.Notice += "\xff" }, ErrInvalid, "notice"},
		"a body without what happened":          {func(t *Template) { t.Body = "Bonjour. {{time}}" }, ErrRequired, "body"},
		"a body that only looks as if":          {func(t *Template) { t.Body = "{{time}} { {method}}" }, ErrRequired, "body"},
		"a name over two paragraphs":            {func(t *Template) { t.Body = "{{method}} {{\n\ntime}}" }, ErrRequired, "body"},
		"a link over two paragraphs":            {func(t *Template) { t.Notice = "{{id}} {{link\r\n\r\n}}" }, ErrRequired, "notice"},
		"what happened in the subject alone":    {func(t *Template) { t.Body, t.Subject = "{{method}}", "{{time}}" }, ErrRequired, "body"},
		"a notice without its link":             {func(t *Template) { t.Notice = "Ne faites rien. {{id}}" }, ErrRequired, "notice"},
		"a notice without the id":               {func(t *Template) { t.Notice = "{{link}}" }, ErrRequired, "notice"},
		"a notice where the product has its":    {func(t *Template) { t.Language = "de-AT" }, ErrNotice, "notice"},
		"a notice for everybody":                {func(t *Template) { t.Language = Default }, ErrNotice, "notice"},
		"a pass":                                {func(t *Template) { t.Body += "{{temporaryAccessPass}}" }, ErrPlaceholder, "body"},
		"a link in the body":                    {func(t *Template) { t.Body += "{{link}}" }, ErrPlaceholder, "body"},
		"a name that nobody knows":              {func(t *Template) { t.Subject = "{{Time}}" }, ErrPlaceholder, "subject"},
		"a language that is a path":             {func(t *Template) { t.Language = "../de" }, ErrInvalid, "language"},
		"a language in a spelling that is kept": {func(t *Template) { t.Language = "FR" }, ErrInvalid, "language"},
	} {
		changed := good
		row.change(&changed)
		err := changed.Check(added)
		if f, ok := errors.AsType[*fault.Error](err); !ok || f.Code != row.want.Code || f.Target != row.target {
			t.Errorf("%s: %v, want %s at %s", name, err, row.want.Code, row.target)
		}
	}
	strange := good
	strange.Body += "{{nobody}}"
	if err := strange.Check(added); err == nil || !strings.Contains(err.Error(), "recipientDisplayName, time, method, id") {
		t.Errorf("the list of placeholders is not in %v", err)
	}
	pass := Kind{Name: "workflowPass", Placeholders: []string{"temporaryAccessPass"}, Block: "temporaryAccessPass"}
	if err := (Template{Language: "en", Subject: "{{temporaryAccessPass}}", Body: "x"}).Check(pass); !errors.Is(err, ErrPlaceholder) {
		t.Error("a subject may have what lists of mail must not show")
	}
}

func TestAReaderGetsTheNearestWords(t *testing.T) {
	var all []Template
	for _, lang := range []string{"de", "de-AT", "default", "zh-Hant"} {
		all = append(all, Template{Language: lang})
	}
	for preferred, want := range map[string]string{
		"de-AT": "de-AT", "DE-at": "de-AT", "de-CH": "de", "de-AT-1996": "de-AT", "de": "de", "fr": "default", "": "default", "zh-hant-tw": "zh-Hant", "zh": "default", "d\r\ne": "default", "default": "default",
	} {
		if got, ok := Choose(all, preferred); !ok || got.Language != want {
			t.Errorf("%q gets %q, want %q", preferred, got.Language, want)
		}
	}
	if got, ok := Choose(all[:2], "fr"); ok {
		t.Errorf("who reads French gets %q", got.Language)
	}
}

func TestWhatThereIsNothingToSayOfIsLeftOut(t *testing.T) {
	values := map[string]string{"time": "noon"}
	got := Told([]string{"At {{time}}.", "By {{by}}.", "At {{time}} by {{by}}.", "Bye."}, values, []string{"time"})
	if want := []string{"At {{time}}.", "At {{time}} by {{by}}.", "Bye."}; !slices.Equal(got, want) {
		t.Errorf("left is %q, want %q", got, want)
	}
}

func TestWhatSomebodyIsCalledIsNoLinkNoTemplateAndOneLine(t *testing.T) {
	for _, name := range []string{"https://evil.example/", "{{link}}", "a\n\nhttps://evil.example/", strings.Repeat("x", 5000), "a\u202eb"} {
		got := Write(Paragraphs("{{name}}\n\n{{link}}\n\nhttps://help.example/"), map[string]string{"name": name}, "link", []Paragraph{{"https://ours.example/", true}})
		if len(got) != 3 || got[0].Link || !got[1].Link || !got[2].Link || strings.ContainsAny(got[0].Text, "\n\u202e") || len(got[0].Text) > mostValue {
			t.Errorf("%.40q makes %v", name, got)
		}
	}
}

// FuzzTemplate looks for texts that put more into a mail than they may, or read a value as a template.
func FuzzTemplate(f *testing.F) {
	for _, text := range []string{
		"Hello {{userDisplayName}}", "{{ temporaryAccessPass }}", "{{{userDisplayName}}}", "{{user{{managerEmail}}}}", "{{unknown}}", "a\n\nb\r\n\r\nc", "{{}}", "{{\x00}}", "}}{{",
		"https://a.example/{{userDisplayName}}", "{{userDisplayName}}\n\n{{time}}", "a\rb", "{{time}}\u2028{{link}}", "{{\n\ntime}}",
	} {
		f.Add(text, "{{temporaryAccessPass}}")
		f.Add(text, "https://evil.example/\n\n{{link}}")
	}
	k := Kind{Placeholders: []string{"userDisplayName", "time", "temporaryAccessPass"}, Required: []string{"time"}, Notice: []string{"link"}, Block: "temporaryAccessPass"}
	f.Fuzz(func(t *testing.T, text, name string) {
		const pass, noon, link = "§PASS§", "§NOON§", "https://ours.example/#x"
		if strings.Contains(text+name, "§") || strings.Contains(text+name, link) {
			return
		}
		values := map[string]string{"userDisplayName": name, "time": noon}
		count := func(all []Paragraph, what string) (n int) {
			for _, p := range all {
				n += strings.Count(p.Text, what)
			}
			return n
		}
		asNotice := Template{Language: "fr", Subject: "s", Body: "{{time}}", Notice: text}
		if text != "" && asNotice.Check(k) == nil {
			if got := Write(Paragraphs(text), values, "link", []Paragraph{{link, true}}); count(got, link) != 1 {
				t.Errorf("the link stands %d times in what %q makes", count(got, link), text)
			}
		}
		one := Template{Language: "fr", Subject: "s", Body: text}
		if one.Check(k) != nil {
			return
		}
		for _, found := range Placeholders(text) {
			if !slices.Contains(k.Placeholders, found) {
				t.Fatalf("%q may have %q", text, found)
			}
		}
		all := Told(Paragraphs(text), values, k.Required)
		got := Write(all, values, k.Block, Plain(pass))
		if count(got, pass) != 1 {
			t.Errorf("the pass stands %d times in what %q makes", count(got, pass), text)
		}
		if count(got, noon) == 0 {
			t.Errorf("what is required is not in what %q makes", text)
		}
		for _, p := range got {
			if p.Link && !slices.Contains(Paragraphs(text), p.Text) {
				t.Errorf("%q became a link: %q with %q", p.Text, text, name)
			}
		}
		if got := Write(all, values, k.Block, nil); count(got, pass) != 0 {
			t.Errorf("a copy has the pass: %v", got)
		}
		if strings.TrimSpace(text) != text {
			return
		}
		filled := Fill(text, map[string]string{"temporaryAccessPass": pass, "userDisplayName": name, "time": noon})
		if strings.Count(filled, pass) != strings.Count(strings.Join(Placeholders(text), " "), "temporaryAccessPass") {
			t.Errorf("what somebody is called was read as a template: %q with %q makes %q", text, name, filled)
		}
	})
}
