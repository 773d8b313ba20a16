package pages

import "time"

// mailboxPage is mailbox.html: what `postern dev` would have sent, newest first.
type mailboxPage struct {
	frame
	Mails []mailLine
}

// A mailLine is one mail in the mailbox.
type mailLine struct {
	Href    string
	To      string
	Subject string
	SentAt  time.Time
}

func (mailboxPage) file() string { return "mailbox.html" }
