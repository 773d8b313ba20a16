package lifecycle

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/postern-id/postern/internal/outbox/letter"
)

// holdsPass is the placeholder of the pass, or of where it is to be had.
const holdsPass = "temporaryAccessPass"

// placeholderNames are what may stand in double braces, by Entra's names.
var placeholderNames = []string{
	"userDisplayName", "userPrincipalName", "userGivenName", "userSurname", "userEmployeeHireDate", "userEmployeeLeaveDateTime",
	"managerDisplayName", "managerEmail", holdsPass,
}

// checkTemplate says why a text can't be sent, or nothing.
func checkTemplate(template string) string {
	if name, is := letter.Strange(template, placeholderNames); is {
		return fmt.Sprintf("has the placeholder {{%.40s}}, which is none of %s.", name, strings.Join(placeholderNames, ", "))
	}
	return letter.Hidden(template)
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
