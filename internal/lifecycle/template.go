package lifecycle

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// holdsPass is the placeholder of the pass, or of where it is to be had.
const holdsPass = "temporaryAccessPass"

// placeholderNames are what may stand in double braces, by Entra's names.
var placeholderNames = []string{
	"userDisplayName", "userPrincipalName", "userGivenName", "userSurname", "userEmployeeHireDate", "userEmployeeLeaveDateTime",
	"managerDisplayName", "managerEmail", holdsPass,
}

// placeholder is a name in double braces. Whatever else stands in braces is text.
var placeholder = regexp.MustCompile(`\{\{\s*([A-Za-z]+)\s*\}\}`)

// placeholders returns the names that template has in double braces.
func placeholders(template string) []string {
	var all []string
	for _, m := range placeholder.FindAllStringSubmatch(template, -1) {
		all = append(all, m[1])
	}
	return all
}

// checkTemplate says why a text can't be sent, or nothing.
func checkTemplate(template string) string {
	for _, name := range placeholders(template) {
		if !slices.Contains(placeholderNames, name) {
			return fmt.Sprintf("has the placeholder {{%.40s}}, which is none of %s.", name, strings.Join(placeholderNames, ", "))
		}
	}
	if strings.ContainsFunc(template, func(r rune) bool {
		return unicode.IsControl(r) && r != '\n' && r != '\r' && r != '\t' || unicode.Is(unicode.Bidi_Control, r) || r == unicode.ReplacementChar
	}) {
		return "has control characters."
	}
	return ""
}

// fill puts values in the places of their names. A value is put in as it is, never read as a
// template again.
func fill(template string, values map[string]string) string {
	return placeholder.ReplaceAllStringFunc(template, func(found string) string {
		return values[placeholder.FindStringSubmatch(found)[1]]
	})
}

// A text is what a mail says unless a task says otherwise.
type text struct {
	Subject string   `json:"subject"`
	Body    []string `json:"body"` // paragraphs
}

//go:embed mails.json
var mailsFile []byte

// mails are the texts by language and task; of pass.* by how the pass is handed over.
var mails = func() map[string]map[string]text {
	var all map[string]map[string]text
	if err := json.Unmarshal(mailsFile, &all); err != nil {
		panic("lifecycle: mails.json: " + err.Error())
	}
	return all
}()

// textOf returns the text of a task in a language; English when there is none.
func textOf(lang, key string) text {
	if t, ok := mails[lang][key]; ok {
		return t
	}
	return mails["en"][key]
}

// paragraphs splits a body of a task's own at its empty lines.
func paragraphs(body string) []string {
	var all []string
	for one := range strings.SplitSeq(strings.ReplaceAll(body, "\r\n", "\n"), "\n\n") {
		if one = strings.TrimSpace(one); one != "" {
			all = append(all, one)
		}
	}
	return all
}
