package pages

import (
	"strings"
	"time"
)

// mailPage is mail.html: one mail of the mailbox, as HTML in a frame and as text.
type mailPage struct {
	frame
	BackHref string
	From     string
	To       string
	Subject  string
	SentAt   time.Time
	Body     string // plain text
	HTML     string // a whole document; "" when there is none
}

func (mailPage) file() string { return "mail.html" }

// Paragraphs returns the lines of the body, grouped where it has an empty line.
func (p mailPage) Paragraphs() [][]string {
	var groups [][]string
	body := strings.ReplaceAll(p.Body, "\r\n", "\n")
	for group := range strings.SplitSeq(body, "\n\n") {
		if group = strings.Trim(group, "\n"); group != "" {
			groups = append(groups, strings.Split(group, "\n"))
		}
	}
	return groups
}
