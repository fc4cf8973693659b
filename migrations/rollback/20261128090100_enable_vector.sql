-- Undoes 20261128090100_enable_vector.sql: nothing to do. The extension may have been enabled before that file ran,
-- from the dashboard or by the platform, and dropping it would take other people's columns with it.
select;
