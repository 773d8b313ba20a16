package smtp

import (
	"errors"
	"fmt"
	"io"
	"net/textproto"
	"strings"

	"github.com/wneessen/go-mail"

	"github.com/postern-id/postern/internal/outbound"
	"github.com/postern-id/postern/internal/outbox"
)

// told is why a mail was not taken, for whoever reads the log of mail: fixed words and the server's
// codes. Which server that is, what it said, where its name leads and what its certificate says are of
// the network inside; the operator's log has them. What is final is marked.
func told(err error) error {
	said, ok := errors.AsType[*mail.SendError](err)
	if !ok {
		return fmt.Errorf("mail server: %w", connecting(err))
	}
	why := fmt.Errorf("the mail server %s", words[said.Reason])
	switch code := said.ErrorCode(); {
	case words[said.Reason] == "":
		why = errors.New("the mail was not sent")
	case code != 0:
		why = fmt.Errorf("%w (%s)", why, strings.TrimSpace(fmt.Sprint(code, " ", said.EnhancedStatusCode())))
	}
	if final(said) {
		return fmt.Errorf("%w: %w", outbox.ErrRefused, why)
	}
	return why
}

// words are what the server did, by the step at which it did.
var words = map[mail.SendErrReason]string{
	mail.ErrSMTPMailFrom:  "did not take the sender",
	mail.ErrSMTPRcptTo:    "did not take the recipient",
	mail.ErrSMTPData:      "did not take the content",
	mail.ErrWriteContent:  "did not take the content",
	mail.ErrSMTPDataClose: "did not take the content",
	mail.ErrNoUnencoded:   "did not take the content",
}

// connecting is why the conversation did not begin.
func connecting(err error) error {
	answer, ok := errors.AsType[*textproto.Error](err)
	switch {
	case ok:
		return fmt.Errorf("it did not let the sender in (%d)", answer.Code)
	case errors.Is(err, io.EOF):
		return errors.New("it hung up")
	}
	return outbound.Told(err)
}

// reply is what the server said, without the address, or why it could not be asked.
func reply(err error, m outbox.Mail) string {
	said := err.Error()
	if send, ok := errors.AsType[*mail.SendError](err); ok {
		said = strings.TrimSpace(send.Error())
	}
	return strings.ReplaceAll(said, m.To.Address, "…")
}

// final reports whether the server wants this mail never: a 5xx to the recipient or to the
// content, or its size. Other refusals, such as of the sender or the password, are about the
// settings and end when those are mended.
func final(said *mail.SendError) bool {
	if said.ErrorCode() < 500 || said.ErrorCode() > 599 {
		return false
	}
	switch said.Reason {
	case mail.ErrSMTPRcptTo, mail.ErrSMTPDataClose:
		return true
	}
	return said.ErrorCode() == 552 || said.ErrorCode() == 554 && said.Reason == mail.ErrSMTPData
}
