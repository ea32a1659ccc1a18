-- Prompts of a support desk, as those who answer tickets keep them.
CREATE TABLE prompts (
    id       TEXT PRIMARY KEY,
    content  TEXT NOT NULL,
    language TEXT,               -- of the template; where it is null the id tells, and else it is Jinja
    owner    TEXT NOT NULL,
    changed  TEXT NOT NULL
);

INSERT INTO prompts VALUES ('rules',
'You answer for {{ company }}. Be brief, be friendly, and promise nothing.
{%- if tier == "gold" %} The customer is a gold customer: offer a call.{% endif %}

', NULL, 'Ines', '2026-08-03');

INSERT INTO prompts VALUES ('answer',
'{% extends "layout.j2" %}
{% block task %}
Write an answer to this ticket. The product is {{ product }}.
{% endblock %}
', NULL, 'Ines', '2026-09-14');

INSERT INTO prompts VALUES ('summary',
'{% extends "layout.j2" %}
{% block task %}
Sum up this ticket in one sentence of at most {{ words }} words.
{% endblock %}
', NULL, 'Tom', '2026-10-01');

INSERT INTO prompts VALUES ('translate.prompt',
'Translate the text below into [LANGUAGE]. Keep names as they are.
//include house-style
---
[TEXT]
', NULL, 'Marta', '2026-10-02');

INSERT INTO prompts VALUES ('house-style',
'Say "you", not "the user".
', 'text', 'Marta', '2026-10-02');

INSERT INTO prompts VALUES ('labels',
'Which of these labels fit?
{{#labels}}
- {{name}}{{#hint}} ({{hint}}){{/hint}}
{{/labels}}
{{>quote}}
', 'mustache', 'Tom', '2026-10-20');

INSERT INTO prompts VALUES ('quote',
'---
{{{text}}}
', 'mustache', 'Tom', '2026-10-20');

INSERT INTO prompts VALUES ('escalate',
'{% include "rules" %}
Explain to the team why ticket {{ id }} cannot wait.
---
{{ text }}
', NULL, 'Ines', '2026-11-02');
