drop table questionnaire_versions, questionnaires;
